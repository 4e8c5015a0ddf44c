-- Signing keys of rings.

-- name: signing_key_insert
-- Keep a new key.
INSERT INTO signing_keys
    (ring_id, key_id, alg, sealed_private, certificate, created_at, active_at, retired_at, gone_at, revoked_at)
VALUES
    (:ring_id, :key_id, :alg, :sealed_private, :certificate, :created_at, :active_at, :retired_at, :gone_at,
     :revoked_at);

-- name: signing_keys_of_ring
-- The keys of a ring, oldest first.
SELECT ring_id, key_id, alg, sealed_private, certificate, created_at, active_at, retired_at, gone_at, revoked_at
FROM signing_keys
WHERE ring_id = :ring_id
ORDER BY created_at, key_id;

-- name: signing_key_instants
-- Write the instants of a key.
UPDATE signing_keys
SET active_at = :active_at, retired_at = :retired_at, gone_at = :gone_at, revoked_at = :revoked_at
WHERE ring_id = :ring_id AND key_id = :key_id;

-- name: signing_key_delete
-- Forget a key.
DELETE FROM signing_keys WHERE ring_id = :ring_id AND key_id = :key_id;

-- name: ring_lock [sqlite]
-- Nothing to take: a writing transaction has the whole database.
SELECT :ring_id;

-- name: ring_lock [postgresql]
-- Take a ring until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('intaglio signing ring ' || CAST(:ring_id AS TEXT), 0));

-- name: ring_page
-- Rings that have keys, behind an identifier, in order.
SELECT DISTINCT ring_id FROM signing_keys WHERE ring_id > :after ORDER BY ring_id LIMIT :limit;

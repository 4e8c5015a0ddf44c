-- The keys of the vault, and everything that is sealed under them.

-- name: vault_lock [sqlite]
-- Nothing to take: a writing transaction has the whole database.
SELECT 1;

-- name: vault_lock [postgresql]
-- Take the keys until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('intaglio vault keys', 0));

-- name: vault_keys_all
-- The keys as each master key wraps them, by its name.
SELECT wrapped_by, version, wrapped, sealed, created_at, used_at FROM vault_keys
WHERE wrapped_by > '' ORDER BY wrapped_by;

-- name: vault_keys_of
-- The keys as one master key wraps them.
SELECT wrapped_by, version, wrapped, sealed, created_at, used_at FROM vault_keys WHERE wrapped_by = :wrapped_by;

-- name: vault_keys_insert
-- Keep the keys under a master key that wraps none yet.
INSERT INTO vault_keys (wrapped_by, version, wrapped, sealed, created_at, used_at)
VALUES (:wrapped_by, :version, :wrapped, :sealed, :created_at, :used_at);

-- name: vault_keys_exchange
-- Replace the keys of a master key if they are still of the version that was read; a row comes back if they were.
UPDATE vault_keys SET version = :version, sealed = :sealed
WHERE wrapped_by = :wrapped_by AND version = :before
RETURNING 1;

-- name: vault_keys_used
-- Say that a process runs with a master key.
UPDATE vault_keys SET used_at = :now WHERE wrapped_by = :wrapped_by;

-- name: vault_keys_delete
-- Forget what a master key wraps; a row comes back if there was something.
DELETE FROM vault_keys WHERE wrapped_by = :wrapped_by RETURNING 1;

-- name: vault_keys_delete_all
-- Forget what any master key wraps.
DELETE FROM vault_keys;

-- name: installation_fact_insert
-- Keep a fact that nobody has kept yet.
INSERT INTO installation_facts (name, value) VALUES (:name, :value);

-- name: installation_fact_exchange
-- Replace a fact that is still as it was read; a row comes back if it was.
UPDATE installation_facts SET value = :after WHERE name = :name AND value = :before RETURNING 1;

-- name: sealed_anything
-- A row, if a signing key is kept: the first thing that any installation seals.
SELECT 1 FROM signing_keys WHERE ring_id > '' LIMIT 1;

-- name: sealed_signing_keys
-- Sealed signing keys behind one, in order.
SELECT ring_id, key_id, sealed_private FROM signing_keys
WHERE (ring_id, key_id) > (:after_ring, :after_key)
ORDER BY ring_id, key_id LIMIT :limit;

-- name: signing_key_reseal
-- Replace the sealed form of a signing key if it is still the one that was read; a row comes back if it was.
UPDATE signing_keys SET sealed_private = :after
WHERE ring_id = :ring_id AND key_id = :key_id AND sealed_private = :before
RETURNING 1;

-- name: sealed_clients
-- Records of clients behind one, in order.
SELECT tenant_id, client_id, record FROM clients
WHERE (tenant_id, client_id) > (:after_tenant, :after_client)
ORDER BY tenant_id, client_id LIMIT :limit;

-- name: sealed_connections
-- Records of connections behind one, in order.
SELECT tenant_id, connection_id, record FROM connections
WHERE (tenant_id, connection_id) > (:after_tenant, :after_connection)
ORDER BY tenant_id, connection_id LIMIT :limit;

-- name: connection_exchange
-- Replace a connection's record if it is still the one that was read; a row comes back if it was.
UPDATE connections SET record = :after
WHERE tenant_id = :tenant_id AND connection_id = :connection_id AND record = :before
RETURNING 1;

-- name: sealed_account_keys
-- Records of service accounts' keys behind one, in order.
SELECT tenant_id, unique_id, key_id, record FROM account_keys
WHERE (tenant_id, unique_id, key_id) > (:after_tenant, :after_account, :after_key)
ORDER BY tenant_id, unique_id, key_id LIMIT :limit;

-- name: account_key_exchange
-- Replace a service account's key if it is still the one that was read; a row comes back if it was.
UPDATE account_keys SET record = :after
WHERE tenant_id = :tenant_id AND unique_id = :unique_id AND key_id = :key_id AND record = :before
RETURNING 1;

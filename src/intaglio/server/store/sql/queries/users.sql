-- Users, and the counters that slow down guessing.

-- name: user_insert
-- Keep a new user; the identifier and the sign-in name are unique in the tenant.
INSERT INTO users (tenant_id, user_id, sign_in_name, created_at, record)
VALUES (:tenant_id, :user_id, :sign_in_name, :created_at, :record);

-- name: user_replace
-- Replace a user's record; a row comes back if there is such a user.
UPDATE users SET record = :record WHERE tenant_id = :tenant_id AND user_id = :user_id RETURNING 1;

-- name: user_exchange
-- Replace a user's record if it is still the one that was read; a row comes back if it was.
UPDATE users SET record = :record
WHERE tenant_id = :tenant_id AND user_id = :user_id AND record = :before
RETURNING 1;

-- name: user_by_id
-- One user of a tenant.
SELECT record FROM users WHERE tenant_id = :tenant_id AND user_id = :user_id;

-- name: user_by_name
-- The user of a tenant with a sign-in name.
SELECT record FROM users WHERE tenant_id = :tenant_id AND sign_in_name = :sign_in_name;

-- name: users_by_confirmed_email [sqlite]
-- At most two users whose confirmed address is this one; the key leads to the index, the order must not.
SELECT record FROM users
WHERE tenant_id = :tenant_id AND lower(substr(
        CAST(record AS TEXT),
        instr(CAST(record AS TEXT), '"email":"') + 9,
        min(instr(substr(CAST(record AS TEXT), instr(CAST(record AS TEXT), '"email":"') + 9), '"') - 1, 320)
    )) = :key
    AND json_extract(CAST(record AS TEXT), '$.claims.email') = :email
    AND json_type(CAST(record AS TEXT), '$.claims.email_verified') = 'true'
ORDER BY +user_id LIMIT 2;

-- name: users_by_confirmed_email [postgresql]
-- At most two users whose confirmed address is this one; the key leads to the index, the order must not. The engine
-- takes no JSON with a NUL in it, wherever that stands: it is read as the character for what cannot be shown.
SELECT record FROM (
    SELECT user_id, record, replace(convert_from(record, 'UTF8'), '\u0000', '\ufffd')::json #> '{claims}' AS claims
    FROM users
    WHERE tenant_id = :tenant_id AND intaglio_email_key(record) COLLATE "C" = :key
) AS known
WHERE claims ->> 'email' = :email AND (claims -> 'email_verified')::text = 'true'
    AND json_typeof(claims -> 'email') = 'string'
ORDER BY user_id || '' LIMIT 2;

-- name: user_has_email [sqlite]
-- A row if another user has this address, confirmed or not; the key leads to the index.
SELECT 1 FROM users
WHERE tenant_id = :tenant_id AND user_id <> :but AND lower(substr(
        CAST(record AS TEXT),
        instr(CAST(record AS TEXT), '"email":"') + 9,
        min(instr(substr(CAST(record AS TEXT), instr(CAST(record AS TEXT), '"email":"') + 9), '"') - 1, 320)
    )) = :key
    AND lower(json_extract(CAST(record AS TEXT), '$.claims.email')) = :email
LIMIT 1;

-- name: user_has_email [postgresql]
-- A row for each other user who has this address, confirmed or not; the key leads to the index.
SELECT 1 FROM (
    SELECT user_id, replace(convert_from(record, 'UTF8'), '\u0000', '\ufffd')::json #>> '{claims,email}' AS email
    FROM users
    WHERE tenant_id = :tenant_id AND user_id <> :but AND intaglio_email_key(record) COLLATE "C" = :key
) AS known
WHERE lower(email COLLATE "C") = :email;

-- name: user_page
-- Users of a tenant behind a sign-in name, by that name.
SELECT record FROM users WHERE tenant_id = :tenant_id AND sign_in_name > :after ORDER BY sign_in_name LIMIT :limit;

-- name: throttle_count
-- The failures of a key in the window that began after an instant.
SELECT failures FROM throttles WHERE key = :key AND window_at > :since;

-- name: throttle_add
-- Count one failure, in a new window if the last one is over. A window is as long as the time from `since` to `now`.
INSERT INTO throttles (key, window_at, failures, expires_at)
VALUES (:key, CAST(:now AS BIGINT), 1, CAST(:now AS BIGINT) + (CAST(:now AS BIGINT) - CAST(:since AS BIGINT)))
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN throttles.window_at > :since THEN throttles.failures + 1 ELSE 1 END,
    expires_at = CASE WHEN throttles.window_at > :since THEN throttles.expires_at ELSE excluded.expires_at END,
    window_at = CASE WHEN throttles.window_at > :since THEN throttles.window_at ELSE excluded.window_at END
RETURNING failures;

-- name: throttle_forgive
-- Take one failure off.
UPDATE throttles SET failures = failures - 1 WHERE key = :key AND failures > 0;

-- name: throttle_delete
-- Forget the failures of a key.
DELETE FROM throttles WHERE key = :key;

-- Users, and the counters that slow down guessing.

-- name: user_insert
-- Keep a new user; the identifier and the sign-in name are unique in the tenant.
INSERT INTO users (tenant_id, user_id, sign_in_name, created_at, record)
VALUES (:tenant_id, :user_id, :sign_in_name, :created_at, :record);

-- name: user_replace
-- Replace a user's record; a row comes back if there is such a user.
UPDATE users SET record = :record WHERE tenant_id = :tenant_id AND user_id = :user_id RETURNING 1;

-- name: user_by_id
-- One user of a tenant.
SELECT record FROM users WHERE tenant_id = :tenant_id AND user_id = :user_id;

-- name: user_by_name
-- The user of a tenant with a sign-in name.
SELECT record FROM users WHERE tenant_id = :tenant_id AND sign_in_name = :sign_in_name;

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

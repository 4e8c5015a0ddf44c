-- Sign-in sessions, and authorization requests that wait for their person.

-- name: session_insert
-- Keep a new session; a cookie's digest names one session at an issuer.
INSERT INTO sessions
    (session_id, digest, tenant_id, issuer, user_id, auth_time, amr, acr, created_at, expires_at)
VALUES
    (:session_id, :digest, :tenant_id, :issuer, :user_id, :auth_time, :amr, :acr, :created_at, :expires_at);

-- name: session_with_user
-- The live session of a cookie at an issuer, and the record of its user.
SELECT s.session_id, s.digest, s.tenant_id, s.issuer, s.user_id, s.auth_time, s.amr, s.acr, s.created_at, s.expires_at,
    u.record
FROM sessions AS s JOIN users AS u ON u.tenant_id = s.tenant_id AND u.user_id = s.user_id
WHERE s.digest = :digest AND s.issuer = :issuer AND s.ended_at IS NULL AND s.expires_at > :now;

-- name: session_renew
-- The same person proved once more who they are: another secret opens the session from now on.
UPDATE sessions SET digest = :digest, auth_time = :auth_time, amr = :amr, acr = :acr, expires_at = :expires_at
WHERE session_id = :session_id AND ended_at IS NULL
RETURNING session_id;

-- name: session_by_id
-- A live session by its public identifier.
SELECT session_id, digest, tenant_id, issuer, user_id, auth_time, amr, acr, created_at, expires_at
FROM sessions
WHERE session_id = :session_id AND ended_at IS NULL AND expires_at > :now;

-- name: session_end
-- End a session; the instant of a first end stays.
UPDATE sessions SET ended_at = :now WHERE session_id = :session_id AND ended_at IS NULL;

-- name: grants_of_session_revoke
-- Revoke what was granted in a session, save grants for offline access. LIKE would ignore case in one engine.
UPDATE grants SET revoked_at = :now
WHERE session_id = :session_id
    AND session_id <> ''
    AND revoked_at IS NULL
    AND replace(' ' || scope || ' ', ' offline_access ', '') = ' ' || scope || ' ';

-- name: transaction_insert
-- Keep a waiting request.
INSERT INTO transactions (digest, expires_at, record) VALUES (:digest, :expires_at, :record);

-- name: transaction_replace
-- Replace the record of a waiting request.
UPDATE transactions SET record = :record WHERE digest = :digest;

-- name: transaction_by_digest
-- A waiting request that has not expired.
SELECT record FROM transactions WHERE digest = :digest AND expires_at > :now;

-- name: transaction_delete
-- Remove a waiting request; a row comes back to the one who removed it.
DELETE FROM transactions WHERE digest = :digest AND expires_at > :now RETURNING 1;

-- Sign-in sessions, and authorization requests that wait for their person.

-- name: session_insert
-- Keep a new session; a cookie's digest names one session at an issuer.
INSERT INTO sessions
    (session_id, digest, tenant_id, issuer, user_id, auth_time, amr, acr, created_at, expires_at, dialect, device,
     circumstances)
VALUES
    (:session_id, :digest, :tenant_id, :issuer, :user_id, :auth_time, :amr, :acr, :created_at, :expires_at, :dialect,
     :device, :circumstances);

-- name: session_with_user
-- The live session of a cookie at an issuer, and the record of its user.
SELECT s.session_id, s.digest, s.tenant_id, s.issuer, s.user_id, s.auth_time, s.amr, s.acr, s.created_at, s.expires_at,
    s.dialect, s.device, s.circumstances, u.record
FROM sessions AS s JOIN users AS u ON u.tenant_id = s.tenant_id AND u.user_id = s.user_id
WHERE s.digest = :digest AND s.issuer = :issuer AND s.ended_at IS NULL AND s.expires_at > :now;

-- name: session_renew
-- The same person proved once more who they are: another secret opens the session from now on.
UPDATE sessions SET digest = :digest, auth_time = :auth_time, amr = :amr, acr = :acr, expires_at = :expires_at,
    device = :device, circumstances = :circumstances
WHERE session_id = :session_id AND ended_at IS NULL
RETURNING session_id;

-- name: session_by_id
-- A live session by its public identifier.
SELECT session_id, digest, tenant_id, issuer, user_id, auth_time, amr, acr, created_at, expires_at, dialect, device,
    circumstances
FROM sessions
WHERE session_id = :session_id AND ended_at IS NULL AND expires_at > :now;

-- name: session_hold [sqlite]
-- A row if the session is live.
SELECT 1 FROM sessions WHERE session_id = :session_id AND ended_at IS NULL AND expires_at > :now;

-- name: session_hold [postgresql]
-- A row if the session is live. It is held meanwhile: a sign-out at the same instant comes before, or finds the grant.
SELECT 1 FROM sessions WHERE session_id = :session_id AND ended_at IS NULL AND expires_at > :now FOR SHARE;

-- name: session_end
-- End a session; the instant of a first end stays, and a row comes back to the one who ended it.
UPDATE sessions SET ended_at = :now WHERE session_id = :session_id AND ended_at IS NULL
RETURNING tenant_id, issuer, user_id, dialect;

-- name: session_client_insert [sqlite]
-- Note that a client got tokens in a session that is still live.
INSERT INTO session_clients (session_id, client_id)
SELECT s.session_id, :client_id FROM sessions AS s WHERE s.session_id = :session_id AND s.ended_at IS NULL
ON CONFLICT (session_id, client_id) DO NOTHING;

-- name: session_client_insert [postgresql]
-- Note that a client got tokens in a session that is still live. The session's row is held meanwhile: a sign-out at
-- the same instant comes before, or finds the client.
INSERT INTO session_clients (session_id, client_id)
SELECT s.session_id, :client_id FROM sessions AS s WHERE s.session_id = :session_id AND s.ended_at IS NULL
FOR SHARE
ON CONFLICT (session_id, client_id) DO NOTHING;

-- name: clients_of_session
-- The records of the clients that were noted in a session.
SELECT c.record
FROM session_clients AS n JOIN clients AS c ON c.tenant_id = :tenant_id AND c.client_id = n.client_id
WHERE n.session_id = :session_id
ORDER BY n.client_id;

-- name: session_granted_clients
-- The clients to which something was granted in a session.
SELECT DISTINCT client_id FROM grants WHERE session_id = :session_id AND session_id <> '' ORDER BY client_id;

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

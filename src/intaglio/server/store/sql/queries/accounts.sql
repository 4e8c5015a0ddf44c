-- What people see of their own sign-ins and applications, and end.

-- name: sessions_of_user
-- A person's live sessions, the latest sign-in first.
SELECT session_id, digest, tenant_id, issuer, user_id, auth_time, amr, acr, created_at, expires_at, dialect, device,
    circumstances
FROM sessions
WHERE tenant_id = :tenant_id AND user_id = :user_id AND ended_at IS NULL AND expires_at > :now
ORDER BY auth_time DESC, session_id
LIMIT :limit;

-- name: apps_of_user
-- The live grants of a person by client, session and scope, with the client's record.
SELECT c.record, g.session_id, g.scope, min(g.created_at)
FROM grants AS g JOIN clients AS c ON c.tenant_id = g.tenant_id AND c.client_id = g.client_id
WHERE g.user_id = :user_id AND g.user_id <> '' AND g.tenant_id = :tenant_id
    AND g.revoked_at IS NULL AND g.expires_at > :now
GROUP BY c.record, g.client_id, g.session_id, g.scope
ORDER BY g.client_id, min(g.created_at)
LIMIT :limit;

-- name: consents_of_user
-- What a person has agreed to, by client, with the client's record.
SELECT c.record, k.scopes, k.updated_at
FROM consents AS k JOIN clients AS c ON c.tenant_id = k.tenant_id AND c.client_id = k.client_id
WHERE k.tenant_id = :tenant_id AND k.user_id = :user_id
ORDER BY k.client_id
LIMIT :limit;

-- name: consent_delete
-- Forget what a person has agreed to for a client.
DELETE FROM consents WHERE tenant_id = :tenant_id AND user_id = :user_id AND client_id = :client_id;

-- name: grants_of_user_revoke
-- Revoke all that a person has granted to a client.
UPDATE grants SET revoked_at = :now
WHERE user_id = :user_id AND user_id <> '' AND client_id = :client_id AND tenant_id = :tenant_id
    AND revoked_at IS NULL;

-- name: whole_sessions_of_user
-- All sessions of a person that are still kept, ended or not, oldest first; but for the secret.
SELECT session_id, issuer, dialect, device, auth_time, amr, acr, circumstances, created_at, expires_at, ended_at
FROM sessions
WHERE tenant_id = :tenant_id AND user_id = :user_id
ORDER BY created_at, session_id;

-- name: whole_grants_of_user
-- All grants of a person that are still kept, revoked or not, oldest first.
SELECT grant_id, issuer, client_id, session_id, scope, auth_time, acr, amr, claims, circumstances, created_at,
    expires_at, revoked_at
FROM grants
WHERE user_id = :user_id AND user_id <> '' AND tenant_id = :tenant_id
ORDER BY created_at, grant_id;

-- Grants, and the codes and tokens that hang on them.

-- name: code_insert
-- Keep a new code.
INSERT INTO codes
    (digest, grant_id, tenant_id, issuer, client_id, user_id, session_id, redirect_uri, code_challenge, scope, nonce,
     auth_time, acr, amr, created_at, expires_at, claims, circumstances)
VALUES
    (:digest, :grant_id, :tenant_id, :issuer, :client_id, :user_id, :session_id, :redirect_uri, :code_challenge,
     :scope, :nonce, :auth_time, :acr, :amr, :created_at, :expires_at, :claims, :circumstances);

-- name: code_by_digest
-- A code, used or not, expired or not.
SELECT digest, grant_id, tenant_id, issuer, client_id, user_id, session_id, redirect_uri, code_challenge, scope, nonce,
    auth_time, acr, amr, created_at, expires_at, used_at, claims, circumstances
FROM codes
WHERE digest = :digest;

-- name: code_use [sqlite]
-- Use a code up unless it was used, has expired, or its session has ended.
UPDATE codes SET used_at = :now
WHERE digest = :digest AND used_at IS NULL AND expires_at > :now
    AND NOT EXISTS (
        SELECT 1 FROM sessions AS s WHERE s.session_id = codes.session_id AND s.ended_at IS NOT NULL
    )
RETURNING digest, grant_id, tenant_id, issuer, client_id, user_id, session_id, redirect_uri, code_challenge, scope,
    nonce, auth_time, acr, amr, created_at, expires_at, used_at, claims, circumstances;

-- name: code_use [postgresql]
-- Use a code up unless it was used, has expired, or its session has ended. The session's row is held meanwhile: a
-- sign-out at the same instant comes before, or finds the grant that came of the code.
WITH session AS (
    SELECT s.ended_at FROM sessions AS s
    WHERE s.session_id = (SELECT c.session_id FROM codes AS c WHERE c.digest = :digest)
    FOR SHARE
)
UPDATE codes SET used_at = :now
WHERE digest = :digest AND used_at IS NULL AND expires_at > :now
    AND NOT EXISTS (SELECT 1 FROM session WHERE session.ended_at IS NOT NULL)
RETURNING digest, grant_id, tenant_id, issuer, client_id, user_id, session_id, redirect_uri, code_challenge, scope,
    nonce, auth_time, acr, amr, created_at, expires_at, used_at, claims, circumstances;

-- name: grant_insert
-- Keep a new grant.
INSERT INTO grants
    (grant_id, tenant_id, issuer, client_id, user_id, session_id, scope, auth_time, acr, amr, created_at, expires_at,
     claims, circumstances)
VALUES
    (:grant_id, :tenant_id, :issuer, :client_id, :user_id, :session_id, :scope, :auth_time, :acr, :amr, :created_at,
     :expires_at, :claims, :circumstances);

-- name: grant_keep
-- Keep a grant that may be there already, because a token came of it before its code was redeemed: then it lives on as
-- long as both need it. A row comes back unless it is revoked.
INSERT INTO grants
    (grant_id, tenant_id, issuer, client_id, user_id, session_id, scope, auth_time, acr, amr, created_at, expires_at,
     claims, circumstances)
VALUES
    (:grant_id, :tenant_id, :issuer, :client_id, :user_id, :session_id, :scope, :auth_time, :acr, :amr, :created_at,
     :expires_at, :claims, :circumstances)
ON CONFLICT (grant_id) DO UPDATE
SET expires_at = CASE WHEN grants.expires_at > excluded.expires_at THEN grants.expires_at ELSE excluded.expires_at END
WHERE grants.revoked_at IS NULL
RETURNING grant_id;

-- name: grant_issue [sqlite]
-- Keep a grant as `grant_keep` does, with an access token of it and the entry of the audit log that says so. A row comes
-- back, and something is kept, unless the grant is revoked.
INSERT INTO grants
    (grant_id, tenant_id, issuer, client_id, user_id, session_id, scope, auth_time, acr, amr, created_at, expires_at,
     claims, circumstances)
VALUES
    (:grant_id, :tenant_id, :issuer, :client_id, :user_id, :session_id, :scope, :auth_time, :acr, :amr, :created_at,
     :expires_at, :claims, :circumstances)
ON CONFLICT (grant_id) DO UPDATE
SET expires_at = CASE WHEN grants.expires_at > excluded.expires_at THEN grants.expires_at ELSE excluded.expires_at END
WHERE grants.revoked_at IS NULL
RETURNING grant_id;
INSERT INTO access_tokens (digest, grant_id, scope, created_at, expires_at)
VALUES (:digest, :grant_id, :scope, :created_at, :token_expires_at)
ON CONFLICT (digest) DO NOTHING;
INSERT INTO audit_log (tenant_id, entry_id, at, action, principal, resource, outcome, ref, record)
VALUES (:tenant_id, :entry_id, :at, :action, :principal, :resource, :outcome, :ref, :record);

-- name: grant_issue [postgresql]
-- Keep a grant as `grant_keep` does, with an access token of it and the entry of the audit log that says so. A row comes
-- back, and something is kept, unless the grant is revoked. One question instead of three.
WITH kept AS (
    INSERT INTO grants
        (grant_id, tenant_id, issuer, client_id, user_id, session_id, scope, auth_time, acr, amr, created_at,
         expires_at, claims, circumstances)
    VALUES
        (:grant_id, :tenant_id, :issuer, :client_id, :user_id, :session_id, :scope, :auth_time, :acr, :amr,
         :created_at, :expires_at, :claims, :circumstances)
    ON CONFLICT (grant_id) DO UPDATE
    SET expires_at = greatest(grants.expires_at, excluded.expires_at)
    WHERE grants.revoked_at IS NULL
    RETURNING grant_id, tenant_id
), given AS (
    INSERT INTO access_tokens (digest, grant_id, scope, created_at, expires_at)
    SELECT CAST(:digest AS BYTEA), kept.grant_id, :scope, :created_at, CAST(:token_expires_at AS BIGINT) FROM kept
    ON CONFLICT (digest) DO NOTHING
), noted AS (
    INSERT INTO audit_log (tenant_id, entry_id, at, action, principal, resource, outcome, ref, record)
    SELECT kept.tenant_id, CAST(:entry_id AS TEXT), CAST(:at AS BIGINT), CAST(:action AS TEXT),
        CAST(:principal AS TEXT), CAST(:resource AS TEXT), CAST(:outcome AS TEXT), CAST(:ref AS TEXT),
        CAST(:record AS BYTEA)
    FROM kept
)
SELECT grant_id FROM kept;

-- name: grant_by_id
-- A grant, revoked or not.
SELECT grant_id, tenant_id, issuer, client_id, user_id, session_id, scope, auth_time, acr, amr, created_at,
    expires_at, revoked_at, claims, circumstances
FROM grants
WHERE grant_id = :grant_id;

-- name: grant_revoke
-- Revoke a family; the instant of a first revocation stays.
UPDATE grants SET revoked_at = :now WHERE grant_id = :grant_id AND revoked_at IS NULL;

-- name: access_insert
-- Keep an access token; one that is there already stays as it is.
INSERT INTO access_tokens (digest, grant_id, scope, created_at, expires_at)
VALUES (:digest, :grant_id, :scope, :created_at, :expires_at)
ON CONFLICT (digest) DO NOTHING;

-- name: access_issue [sqlite]
-- Keep an access token, if it is not there already, and write the entry of the audit log that says so.
INSERT INTO access_tokens (digest, grant_id, scope, created_at, expires_at)
VALUES (:digest, :grant_id, :scope, :created_at, :expires_at)
ON CONFLICT (digest) DO NOTHING;
INSERT INTO audit_log (tenant_id, entry_id, at, action, principal, resource, outcome, ref, record)
VALUES (:tenant_id, :entry_id, :at, :action, :principal, :resource, :outcome, :ref, :record);

-- name: access_issue [postgresql]
-- Keep an access token, if it is not there already, and write the entry of the audit log that says so: one question.
WITH noted AS (
    INSERT INTO audit_log (tenant_id, entry_id, at, action, principal, resource, outcome, ref, record)
    VALUES (:tenant_id, :entry_id, :at, :action, :principal, :resource, :outcome, :ref, :record)
)
INSERT INTO access_tokens (digest, grant_id, scope, created_at, expires_at)
VALUES (:digest, :grant_id, :scope, :created_at, :expires_at)
ON CONFLICT (digest) DO NOTHING;

-- name: access_with_grant
-- A live access token with its live grant.
SELECT a.digest, a.grant_id, a.scope, a.created_at, a.expires_at,
    g.grant_id, g.tenant_id, g.issuer, g.client_id, g.user_id, g.session_id, g.scope, g.auth_time, g.acr, g.amr,
    g.created_at, g.expires_at, g.revoked_at, g.claims, g.circumstances
FROM access_tokens a JOIN grants g ON g.grant_id = a.grant_id
WHERE a.digest = :digest AND a.expires_at > :now AND g.expires_at > :now AND g.revoked_at IS NULL;

-- name: access_end
-- End one access token. Its row stays until it is swept, so that the same token cannot be inserted again.
UPDATE access_tokens SET expires_at = :now WHERE digest = :digest AND expires_at > :now;

-- name: refresh_insert
-- Keep a refresh token; one that is there already stays as it is.
INSERT INTO refresh_tokens (digest, grant_id, scope, created_at, expires_at)
VALUES (:digest, :grant_id, :scope, :created_at, :expires_at)
ON CONFLICT (digest) DO NOTHING;

-- name: refresh_with_grant
-- A refresh token with its grant, whatever their state.
SELECT r.digest, r.grant_id, r.scope, r.created_at, r.expires_at, r.used_at,
    g.grant_id, g.tenant_id, g.issuer, g.client_id, g.user_id, g.session_id, g.scope, g.auth_time, g.acr, g.amr,
    g.created_at, g.expires_at, g.revoked_at, g.claims, g.circumstances
FROM refresh_tokens r JOIN grants g ON g.grant_id = r.grant_id
WHERE r.digest = :digest;

-- name: refresh_use_first
-- Mark a refresh token used; a row comes back to the first who does. Whoever does so at once waits, and sees it used.
UPDATE refresh_tokens SET used_at = :now WHERE digest = :digest AND used_at IS NULL RETURNING 1;

-- name: refresh_use
-- Mark a refresh token used unless it is; the instant of its first use comes back to every caller.
UPDATE refresh_tokens SET used_at = coalesce(used_at, :now) WHERE digest = :digest RETURNING used_at;

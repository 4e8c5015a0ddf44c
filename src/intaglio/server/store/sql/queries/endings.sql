-- What ends with a user, a client or a tenant. Each statement says whose rows they are; what is over already stays.

-- name: grants_of_client_count
-- How many grants of a client in a tenant are alive.
SELECT count(*) FROM grants
WHERE tenant_id = :tenant_id AND client_id = :client_id AND revoked_at IS NULL AND expires_at > :now;

-- name: grants_of_tenant_count
-- How many grants of a tenant are alive.
SELECT count(*) FROM grants WHERE tenant_id = :tenant_id AND revoked_at IS NULL AND expires_at > :now;

-- name: grants_of_person_revoke
-- Revoke all that a person has granted, offline access too; a row comes back for each that was alive.
UPDATE grants SET revoked_at = :now
WHERE user_id = :user_id AND user_id <> '' AND tenant_id = :tenant_id AND revoked_at IS NULL
RETURNING CASE WHEN expires_at > :now THEN 1 ELSE 0 END;

-- name: grants_of_person
-- The live grants of a person, with what is remembered of the sign-in.
SELECT grant_id, circumstances FROM grants
WHERE user_id = :user_id AND user_id <> '' AND tenant_id = :tenant_id
    AND revoked_at IS NULL AND expires_at > :now AND circumstances <> '';

-- name: sessions_of_person
-- The live sessions of a person, with what is remembered of the sign-in.
SELECT session_id, circumstances FROM sessions
WHERE tenant_id = :tenant_id AND user_id = :user_id
    AND ended_at IS NULL AND expires_at > :now AND circumstances <> '';

-- name: grants_of_client_revoke
-- Revoke all that a client was granted in a tenant, its own grants too.
UPDATE grants SET revoked_at = :now WHERE tenant_id = :tenant_id AND client_id = :client_id AND revoked_at IS NULL;

-- name: grants_of_tenant_revoke
-- Revoke all grants of a tenant.
UPDATE grants SET revoked_at = :now WHERE tenant_id = :tenant_id AND revoked_at IS NULL;

-- name: codes_end
-- Use up the codes of a tenant, of one user or one client where it is named; few are alive at a time.
UPDATE codes SET used_at = :now
WHERE expires_at > :now AND used_at IS NULL AND tenant_id = :tenant_id
    AND (CAST(:user_id AS TEXT) = '' OR user_id = :user_id)
    AND (CAST(:client_id AS TEXT) = '' OR client_id = :client_id);

-- name: devices_end
-- Turn away the devices of a tenant, of one user or one client where it is named; few wait at a time.
UPDATE device_codes SET decision = 'denied'
WHERE expires_at > :now AND used_at IS NULL AND tenant_id = :tenant_id
    AND (CAST(:user_id AS TEXT) = '' OR user_id = :user_id)
    AND (CAST(:client_id AS TEXT) = '' OR client_id = :client_id);

-- name: sessions_of_tenant
-- Live sessions of a tenant behind a user and a session, by both.
SELECT user_id, session_id FROM sessions
WHERE tenant_id = :tenant_id AND (user_id, session_id) > (:user_id, :session_id)
    AND ended_at IS NULL AND expires_at > :now
ORDER BY user_id, session_id
LIMIT :limit;

-- name: sessions_of_connection [sqlite]
-- Live sessions of a tenant behind a user and a session, of sign-ins whose circumstances hold a text.
SELECT user_id, session_id FROM sessions
WHERE tenant_id = :tenant_id AND (user_id, session_id) > (:user_id, :session_id)
    AND ended_at IS NULL AND expires_at > :now AND instr(circumstances, :member) > 0
ORDER BY user_id, session_id
LIMIT :limit;

-- name: sessions_of_connection [postgresql]
-- Live sessions of a tenant behind a user and a session, of sign-ins whose circumstances hold a text.
SELECT user_id, session_id FROM sessions
WHERE tenant_id = :tenant_id AND (user_id, session_id) > (:user_id, :session_id)
    AND ended_at IS NULL AND expires_at > :now AND strpos(circumstances, :member) > 0
ORDER BY user_id, session_id
LIMIT :limit;

-- name: grants_of_connection_revoke [sqlite]
-- Revoke the grants of a tenant that came of sign-ins whose circumstances hold a text.
UPDATE grants SET revoked_at = :now
WHERE tenant_id = :tenant_id AND revoked_at IS NULL AND instr(circumstances, :member) > 0;

-- name: grants_of_connection_revoke [postgresql]
-- Revoke the grants of a tenant that came of sign-ins whose circumstances hold a text.
UPDATE grants SET revoked_at = :now
WHERE tenant_id = :tenant_id AND revoked_at IS NULL AND strpos(circumstances, :member) > 0;

-- name: sessions_of_tenant_end
-- End all sessions of a tenant, and tell nobody.
UPDATE sessions SET ended_at = :now WHERE tenant_id = :tenant_id AND ended_at IS NULL;

-- name: session_clients_of_client_delete
-- Forget in which sessions of a tenant a client got tokens, so that one of the same name inherits nothing.
DELETE FROM session_clients
WHERE client_id = :client_id AND session_id IN (SELECT session_id FROM sessions WHERE tenant_id = :tenant_id);

-- name: outbox_of_target_delete
-- Forget what waits for a target.
DELETE FROM outbox WHERE target = :target;

-- name: transactions_end [sqlite]
-- Remove waiting requests whose record holds two texts: a member of JSON each, with its value.
DELETE FROM transactions WHERE expires_at > :now AND instr(record, :one) > 0 AND instr(record, :other) > 0;

-- name: transactions_end [postgresql]
-- Remove waiting requests whose record holds two texts: a member of JSON each, with its value.
DELETE FROM transactions
WHERE expires_at > :now
    AND position(CAST(:one AS BYTEA) IN record) > 0 AND position(CAST(:other AS BYTEA) IN record) > 0;

-- name: pushed_requests_end [sqlite]
-- Remove pushed requests whose record holds two texts: a member of JSON each, with its value.
DELETE FROM pushed_requests WHERE expires_at > :now AND instr(record, :one) > 0 AND instr(record, :other) > 0;

-- name: pushed_requests_end [postgresql]
-- Remove pushed requests whose record holds two texts: a member of JSON each, with its value.
DELETE FROM pushed_requests
WHERE expires_at > :now
    AND position(CAST(:one AS BYTEA) IN record) > 0 AND position(CAST(:other AS BYTEA) IN record) > 0;

-- name: upstream_signins_end [sqlite]
-- Remove sign-ins at other providers whose record holds a text: a member of JSON with its value.
DELETE FROM upstream_signins WHERE expires_at > :now AND instr(record, :one) > 0;

-- name: upstream_signins_end [postgresql]
-- Remove sign-ins at other providers whose record holds a text: a member of JSON with its value.
DELETE FROM upstream_signins WHERE expires_at > :now AND position(CAST(:one AS BYTEA) IN record) > 0;

-- name: client_elsewhere
-- Clients of that identifier behind a tenant, by tenant.
SELECT record FROM clients WHERE client_id = :client_id AND tenant_id > :after ORDER BY tenant_id LIMIT :limit;

-- name: consents_of_client_delete
-- Forget what people of a tenant have agreed to for a client.
DELETE FROM consents WHERE tenant_id = :tenant_id AND client_id = :client_id;

-- name: user_delete
-- Remove a user, and with it identities, consents and memberships; a row comes back if there was one.
DELETE FROM users WHERE tenant_id = :tenant_id AND user_id = :user_id RETURNING 1;

-- name: users_of_tenant_delete
-- Remove some users of a tenant; a row comes back for each.
DELETE FROM users WHERE tenant_id = :tenant_id AND user_id IN (
    SELECT user_id FROM users WHERE tenant_id = :tenant_id ORDER BY user_id LIMIT :limit
) RETURNING 1;

-- name: clients_of_tenant_delete
-- Remove some clients of a tenant; the identifier of each comes back.
DELETE FROM clients WHERE tenant_id = :tenant_id AND client_id IN (
    SELECT client_id FROM clients WHERE tenant_id = :tenant_id ORDER BY client_id LIMIT :limit
) RETURNING client_id;

-- name: ring_delete
-- Remove all keys of a ring.
DELETE FROM signing_keys WHERE ring_id = :ring_id;

-- name: tenant_delete
-- Remove a tenant, and with it all that belongs to it; a row comes back if there was one.
DELETE FROM tenants WHERE tenant_id = :tenant_id RETURNING 1;

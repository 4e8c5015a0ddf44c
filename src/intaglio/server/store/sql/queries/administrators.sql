-- Administrators, and invitations that work once.

-- name: administrator_put
-- Keep an administrator of a scope, in place of the same one before.
INSERT INTO administrators (tenant_id, principal, scope, record)
VALUES (:tenant_id, :principal, :scope, :record)
ON CONFLICT (tenant_id, principal, scope) DO UPDATE SET record = excluded.record;

-- name: administrator_remove
-- Take the rights of one scope away; a row comes back if there were any.
DELETE FROM administrators
WHERE tenant_id = :tenant_id AND principal = :principal AND scope = :scope
RETURNING 1;

-- name: administrator_forget
-- Take every right of somebody away; rows come back if there were any.
DELETE FROM administrators WHERE tenant_id = :tenant_id AND principal = :principal RETURNING 1;

-- name: administrator_forget_scope
-- Take every right over one tenant away, whoever has it.
DELETE FROM administrators WHERE scope = :scope;

-- name: administrator_of
-- What somebody may administer.
SELECT record FROM administrators WHERE tenant_id = :tenant_id AND principal = :principal ORDER BY scope;

-- name: administrators_living_in
-- The administrators of a tenant's own users and clients.
SELECT record FROM administrators WHERE tenant_id = :tenant_id ORDER BY principal, scope;

-- name: administrator_page
-- Administrators behind one, in order.
SELECT record FROM administrators
WHERE (tenant_id, principal, scope) > (:tenant_id, :principal, :scope)
ORDER BY tenant_id, principal, scope LIMIT :limit;

-- name: administrator_any
-- A row if there is any administrator.
SELECT 1 FROM administrators WHERE tenant_id > '' LIMIT 1;

-- name: invitation_insert
-- Keep a link that works once.
INSERT INTO invitations (digest, expires_at, record) VALUES (:digest, :expires_at, :record);

-- name: invitation_by_digest
-- An invitation that has not expired.
SELECT record FROM invitations WHERE digest = :digest AND expires_at > :now;

-- name: invitation_use
-- Take an invitation away that has not expired; the record comes back to one caller alone.
DELETE FROM invitations WHERE digest = :digest AND expires_at > :now RETURNING record;

-- name: invitations_withdraw
-- Take every invitation away.
DELETE FROM invitations;

-- name: expired_invitations_delete
-- Links that nobody opened in time.
DELETE FROM invitations WHERE digest IN (
    SELECT digest FROM invitations WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- Who may do what: policies and custom roles; and the audit log.

-- name: policy_of
-- The policy of a resource.
SELECT record FROM policies WHERE tenant_id = :tenant_id AND resource = :resource;

-- name: policy_page
-- Policies of a tenant behind a resource, by resource.
SELECT record FROM policies WHERE tenant_id = :tenant_id AND resource > :after ORDER BY resource LIMIT :limit;

-- name: policy_insert
-- Keep the first policy of a resource.
INSERT INTO policies (tenant_id, resource, etag, record) VALUES (:tenant_id, :resource, :etag, :record)
ON CONFLICT (tenant_id, resource) DO NOTHING RETURNING 1;

-- name: policy_replace
-- Replace a policy that is still the one that was read; a row comes back if it was.
UPDATE policies SET etag = :etag, record = :record
WHERE tenant_id = :tenant_id AND resource = :resource AND etag = :known RETURNING 1;

-- name: policy_delete
-- Remove the policy of a resource that is gone.
DELETE FROM policies WHERE tenant_id = :tenant_id AND resource = :resource;

-- name: custom_role_insert
-- Keep a new custom role.
INSERT INTO custom_roles (tenant_id, role, record) VALUES (:tenant_id, :role, :record);

-- name: custom_role_replace
-- Replace a custom role; a row comes back if there is such a role.
UPDATE custom_roles SET record = :record WHERE tenant_id = :tenant_id AND role = :role RETURNING 1;

-- name: custom_role_delete
-- Remove a custom role; a row comes back if there was one.
DELETE FROM custom_roles WHERE tenant_id = :tenant_id AND role = :role RETURNING 1;

-- name: custom_roles_of
-- All custom roles of a tenant, by name.
SELECT record FROM custom_roles WHERE tenant_id = :tenant_id ORDER BY role;

-- Other providers, who people are there, requests that were pushed, groups and organizations.

-- name: connection_insert
-- Keep a new connection; its identifier and its name are unique in its tenant.
INSERT INTO connections (tenant_id, connection_id, name, record) VALUES (:tenant_id, :connection_id, :name, :record);

-- name: connection_replace
-- Replace a connection's record; a row comes back if there is such a connection.
UPDATE connections SET record = :record
WHERE tenant_id = :tenant_id AND connection_id = :connection_id
RETURNING 1;

-- name: connection_delete
-- Remove a connection; a row comes back if there was one.
DELETE FROM connections WHERE tenant_id = :tenant_id AND connection_id = :connection_id RETURNING 1;

-- name: connections_of_tenant
-- A tenant's connections, by name.
SELECT record FROM connections WHERE tenant_id = :tenant_id ORDER BY name;

-- name: identity_insert
-- Keep who somebody is at another provider; a subject of an issuer leads to one user of a tenant.
INSERT INTO identities (tenant_id, issuer, subject, user_id, record)
VALUES (:tenant_id, :issuer, :subject, :user_id, :record);

-- name: identity_replace
-- Replace what is known of an identity; a row comes back if there is one.
UPDATE identities SET record = :record
WHERE tenant_id = :tenant_id AND issuer = :issuer AND subject = :subject
RETURNING 1;

-- name: identity_by_subject
-- The identity of a subject of an issuer.
SELECT record FROM identities WHERE tenant_id = :tenant_id AND issuer = :issuer AND subject = :subject;

-- name: identities_of_user
-- Who a user is elsewhere, by issuer and subject.
SELECT record FROM identities WHERE tenant_id = :tenant_id AND user_id = :user_id ORDER BY issuer, subject;

-- name: identity_delete
-- Remove an identity; a row comes back if there was one.
DELETE FROM identities WHERE tenant_id = :tenant_id AND issuer = :issuer AND subject = :subject RETURNING 1;

-- name: upstream_signin_insert
-- Keep a sign-in that goes on at another provider.
INSERT INTO upstream_signins (digest, expires_at, record) VALUES (:digest, :expires_at, :record);

-- name: upstream_signin_take
-- Take a sign-in that came back; a row comes back to the one who took it.
DELETE FROM upstream_signins WHERE digest = :digest AND expires_at > :now RETURNING record;

-- name: pushed_request_insert
-- Keep a pushed request.
INSERT INTO pushed_requests (digest, expires_at, record) VALUES (:digest, :expires_at, :record);

-- name: pushed_request_by_digest
-- A pushed request that has not expired.
SELECT record FROM pushed_requests WHERE digest = :digest AND expires_at > :now;

-- name: pushed_request_delete
-- Use a pushed request up; a row comes back to the one who used it.
DELETE FROM pushed_requests WHERE digest = :digest AND expires_at > :now RETURNING 1;

-- name: group_insert
-- Keep a new group.
INSERT INTO user_groups (tenant_id, group_id, record) VALUES (:tenant_id, :group_id, :record);

-- name: group_delete
-- Remove a group; a row comes back if there was one.
DELETE FROM user_groups WHERE tenant_id = :tenant_id AND group_id = :group_id RETURNING 1;

-- name: group_by_id
-- A group of a tenant.
SELECT record FROM user_groups WHERE tenant_id = :tenant_id AND group_id = :group_id;

-- name: groups_of_tenant
-- Groups of a tenant behind an identifier, by identifier.
SELECT record FROM user_groups
WHERE tenant_id = :tenant_id AND group_id > :after
ORDER BY group_id LIMIT :limit;

-- name: organization_insert
-- Keep a new organization; its identifier and its name are unique in its tenant.
INSERT INTO organizations (tenant_id, organization_id, name, record)
VALUES (:tenant_id, :organization_id, :name, :record);

-- name: organization_delete
-- Remove an organization; a row comes back if there was one.
DELETE FROM organizations WHERE tenant_id = :tenant_id AND organization_id = :organization_id RETURNING 1;

-- name: organization_by_id
-- One organization of a tenant.
SELECT record FROM organizations WHERE tenant_id = :tenant_id AND organization_id = :organization_id;

-- name: organization_by_name
-- One organization of a tenant by its name.
SELECT record FROM organizations WHERE tenant_id = :tenant_id AND name = :name;

-- name: organization_page
-- Organizations of a tenant behind a name, by name.
SELECT record FROM organizations WHERE tenant_id = :tenant_id AND name > :after ORDER BY name LIMIT :limit;

-- name: organizations_of_user
-- The organizations of a user, by name.
SELECT organizations.record FROM organization_members
JOIN organizations ON organizations.tenant_id = organization_members.tenant_id
AND organizations.organization_id = organization_members.organization_id
WHERE organization_members.tenant_id = :tenant_id AND organization_members.user_id = :user_id
ORDER BY organizations.name LIMIT :limit;

-- name: organization_member_insert
-- Let a user belong to an organization; once is enough.
INSERT INTO organization_members (tenant_id, organization_id, user_id)
VALUES (:tenant_id, :organization_id, :user_id)
ON CONFLICT (tenant_id, organization_id, user_id) DO NOTHING;

-- name: organization_member_delete
-- Let a user not belong to an organization any more; a row comes back if they did.
DELETE FROM organization_members
WHERE tenant_id = :tenant_id AND organization_id = :organization_id AND user_id = :user_id
RETURNING 1;

-- name: organization_has_member
-- A row if the user belongs to the organization.
SELECT 1 FROM organization_members
WHERE tenant_id = :tenant_id AND organization_id = :organization_id AND user_id = :user_id;

-- name: organization_members
-- The users of an organization behind an identifier, by identifier.
SELECT user_id FROM organization_members
WHERE tenant_id = :tenant_id AND organization_id = :organization_id AND user_id > :after
ORDER BY user_id LIMIT :limit;

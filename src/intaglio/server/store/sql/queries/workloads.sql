-- Projects, service accounts and their keys, target services, and pools of external identities.

-- name: project_insert
-- Keep a new project; its name and its number are unique in the tenant.
INSERT INTO projects (tenant_id, project_id, number, record) VALUES (:tenant_id, :project_id, :number, :record);

-- name: project_by_id
-- One project.
SELECT record FROM projects WHERE tenant_id = :tenant_id AND project_id = :project_id;

-- name: project_by_number
-- The project of a number.
SELECT record FROM projects WHERE tenant_id = :tenant_id AND number = :number;

-- name: project_page
-- Projects of a tenant behind a name, by name.
SELECT record FROM projects WHERE tenant_id = :tenant_id AND project_id > :after ORDER BY project_id LIMIT :limit;

-- name: service_account_insert
-- Keep a new service account; no two living ones share an address.
INSERT INTO service_accounts (tenant_id, unique_id, email, project_id, deleted_at, record)
VALUES (:tenant_id, :unique_id, :email, :project_id, :deleted_at, :record);

-- name: service_account_replace
-- Replace an account's record; a row comes back if there is such an account.
UPDATE service_accounts SET deleted_at = :deleted_at, record = :record
WHERE tenant_id = :tenant_id AND unique_id = :unique_id RETURNING 1;

-- name: service_account_exchange
-- Replace an account's record if it is still the one that was read; a row comes back if it was.
UPDATE service_accounts SET deleted_at = :deleted_at, record = :record
WHERE tenant_id = :tenant_id AND unique_id = :unique_id AND record = :before RETURNING 1;

-- name: service_account_by_email
-- The living account of an address.
SELECT record FROM service_accounts WHERE tenant_id = :tenant_id AND email = :email AND deleted_at IS NULL;

-- name: service_account_by_unique_id
-- The account of a number, deleted or not.
SELECT record FROM service_accounts WHERE tenant_id = :tenant_id AND unique_id = :unique_id;

-- name: service_account_page
-- Living accounts of a project behind an address, by address.
SELECT record FROM service_accounts
WHERE tenant_id = :tenant_id AND project_id = :project_id AND email > :after AND deleted_at IS NULL
ORDER BY email LIMIT :limit;

-- name: account_key_insert
-- Keep a new key of an account.
INSERT INTO account_keys (tenant_id, unique_id, key_id, expires_at, record)
VALUES (:tenant_id, :unique_id, :key_id, :expires_at, :record);

-- name: account_key_replace
-- Replace a key's record; a row comes back if there is such a key.
UPDATE account_keys SET expires_at = :expires_at, record = :record
WHERE tenant_id = :tenant_id AND unique_id = :unique_id AND key_id = :key_id RETURNING 1;

-- name: account_key_delete
-- Remove a key; a row comes back if there was one.
DELETE FROM account_keys WHERE tenant_id = :tenant_id AND unique_id = :unique_id AND key_id = :key_id RETURNING 1;

-- name: account_keys_of
-- All keys of an account, by name.
SELECT record FROM account_keys WHERE tenant_id = :tenant_id AND unique_id = :unique_id ORDER BY key_id;

-- name: service_insert
-- Keep a new target service.
INSERT INTO services (tenant_id, project_id, name, record) VALUES (:tenant_id, :project_id, :name, :record);

-- name: service_replace
-- Replace a target service's record; a row comes back if there is such a service.
UPDATE services SET record = :record
WHERE tenant_id = :tenant_id AND project_id = :project_id AND name = :name RETURNING 1;

-- name: service_delete
-- Remove a target service; a row comes back if there was one.
DELETE FROM services WHERE tenant_id = :tenant_id AND project_id = :project_id AND name = :name RETURNING 1;

-- name: service_by_name
-- One target service.
SELECT record FROM services WHERE tenant_id = :tenant_id AND project_id = :project_id AND name = :name;

-- name: service_by_audience
-- The target service that an audience means.
SELECT s.record FROM service_audiences a
JOIN services s ON s.tenant_id = a.tenant_id AND s.project_id = a.project_id AND s.name = a.name
WHERE a.tenant_id = :tenant_id AND a.audience = :audience;

-- name: service_page
-- Target services of a project behind a name, by name.
SELECT record FROM services
WHERE tenant_id = :tenant_id AND project_id = :project_id AND name > :after ORDER BY name LIMIT :limit;

-- name: service_audience_insert
-- Let an audience mean a target service.
INSERT INTO service_audiences (tenant_id, audience, project_id, name)
VALUES (:tenant_id, :audience, :project_id, :name);

-- name: service_audiences_delete
-- Let no audience mean a target service any more.
DELETE FROM service_audiences WHERE tenant_id = :tenant_id AND project_id = :project_id AND name = :name;

-- name: pool_insert
-- Keep a new pool.
INSERT INTO pools (tenant_id, project_id, pool_id, record) VALUES (:tenant_id, :project_id, :pool_id, :record);

-- name: pool_replace
-- Replace a pool's record; a row comes back if there is such a pool.
UPDATE pools SET record = :record
WHERE tenant_id = :tenant_id AND project_id = :project_id AND pool_id = :pool_id RETURNING 1;

-- name: pool_by_id
-- One pool, deleted or not.
SELECT record FROM pools WHERE tenant_id = :tenant_id AND project_id = :project_id AND pool_id = :pool_id;

-- name: pool_page
-- Pools of a project behind a name, by name.
SELECT record FROM pools
WHERE tenant_id = :tenant_id AND project_id = :project_id AND pool_id > :after ORDER BY pool_id LIMIT :limit;

-- name: pool_provider_insert
-- Keep a new provider of a pool.
INSERT INTO pool_providers (tenant_id, project_id, pool_id, provider_id, record)
VALUES (:tenant_id, :project_id, :pool_id, :provider_id, :record);

-- name: pool_provider_replace
-- Replace a provider's record; a row comes back if there is such a provider.
UPDATE pool_providers SET record = :record
WHERE tenant_id = :tenant_id AND project_id = :project_id AND pool_id = :pool_id AND provider_id = :provider_id
RETURNING 1;

-- name: pool_provider_by_id
-- One provider of a pool with the pool, deleted or not.
SELECT p.record, q.record FROM pool_providers p
JOIN pools q ON q.tenant_id = p.tenant_id AND q.project_id = p.project_id AND q.pool_id = p.pool_id
WHERE p.tenant_id = :tenant_id AND p.project_id = :project_id AND p.pool_id = :pool_id
    AND p.provider_id = :provider_id;

-- name: pool_provider_page
-- Providers of a pool behind a name, by name.
SELECT record FROM pool_providers
WHERE tenant_id = :tenant_id AND project_id = :project_id AND pool_id = :pool_id AND provider_id > :after
ORDER BY provider_id LIMIT :limit;

-- name: token_revoke
-- Withdraw an access token that is not kept; again is no fault.
INSERT INTO revoked_tokens (digest, expires_at) VALUES (:digest, :expires_at) ON CONFLICT (digest) DO NOTHING;

-- name: token_is_revoked
-- Whether an access token that is not kept was withdrawn.
SELECT 1 FROM revoked_tokens WHERE digest = :digest;

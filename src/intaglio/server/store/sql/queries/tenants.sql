-- Tenants, and what there is one of in an installation.

-- name: installation_fact
-- The value of a fact.
SELECT value FROM installation_facts WHERE name = :name;

-- name: installation_fact_upsert
-- Keep a fact, replacing what was there.
INSERT INTO installation_facts (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: tenant_insert
-- Keep a new tenant; its id and its slug are unique.
INSERT INTO tenants (tenant_id, slug, owner, created_at, record)
VALUES (:tenant_id, :slug, :owner, :created_at, :record);

-- name: tenant_replace
-- Replace a tenant's record; a row comes back if there is such a tenant.
UPDATE tenants SET record = :record WHERE tenant_id = :tenant_id RETURNING 1;

-- name: tenant_exchange
-- Replace a tenant's record if it is still the one that was read; a row comes back if it was.
UPDATE tenants SET record = :record WHERE tenant_id = :tenant_id AND record = :before RETURNING 1;

-- name: tenant_host_insert
-- Let a host lead to a tenant; a host leads to one tenant only.
INSERT INTO tenant_hosts (host, tenant_id) VALUES (:host, :tenant_id);

-- name: tenant_hosts_delete
-- Let no host lead to a tenant.
DELETE FROM tenant_hosts WHERE tenant_id = :tenant_id;

-- name: tenant_domain_insert
-- Let a domain lead to a tenant; a domain leads to one tenant only.
INSERT INTO tenant_domains (domain, tenant_id) VALUES (:domain, :tenant_id);

-- name: tenant_domains_delete
-- Let no domain lead to a tenant.
DELETE FROM tenant_domains WHERE tenant_id = :tenant_id;

-- name: tenant_by_domain
-- The tenant to which a domain belongs.
SELECT t.record FROM tenant_domains d JOIN tenants t ON t.tenant_id = d.tenant_id WHERE d.domain = :domain;

-- name: tenant_by_slug
-- The tenant of a slug.
SELECT record FROM tenants WHERE slug = :slug;

-- name: tenant_by_host
-- The tenant to which a host leads.
SELECT t.record FROM tenant_hosts h JOIN tenants t ON t.tenant_id = h.tenant_id WHERE h.host = :host;

-- name: tenant_by_id
-- The tenant of an identifier.
SELECT record FROM tenants WHERE tenant_id = :tenant_id;

-- name: tenant_page
-- Tenants behind a slug, by slug.
SELECT record FROM tenants WHERE slug > :after ORDER BY slug LIMIT :limit;

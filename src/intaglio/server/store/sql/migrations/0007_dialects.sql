-- Several dialects over one population: what a sign-in was like, who vouched for it, and other providers' people.

-- How somebody signed in, as JSON: empty where nothing is to be told.
ALTER TABLE sessions ADD COLUMN circumstances TEXT NOT NULL DEFAULT '';
ALTER TABLE codes ADD COLUMN circumstances TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN circumstances TEXT NOT NULL DEFAULT '';
ALTER TABLE device_codes ADD COLUMN circumstances TEXT NOT NULL DEFAULT '';

CREATE INDEX clients_by_client_id ON clients (client_id);

-- Domains that a tenant has shown to be its own; a domain leads to one tenant.
CREATE TABLE tenant_domains (
    domain TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE
);
CREATE INDEX tenant_domains_by_tenant ON tenant_domains (tenant_id);

-- Other providers at which people of a tenant may sign in.
CREATE TABLE connections (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    connection_id TEXT NOT NULL,
    name TEXT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, connection_id),
    UNIQUE (tenant_id, name)
);

-- Who somebody is at another provider. A subject of an issuer leads to one user of a tenant.
CREATE TABLE identities (
    tenant_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, issuer, subject),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX identities_by_user ON identities (tenant_id, user_id);

-- Sign-ins that are under way at another provider; `digest` is of the state.
CREATE TABLE upstream_signins (
    digest BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL,
    record BYTEA NOT NULL
);
CREATE INDEX upstream_signins_by_expiry ON upstream_signins (expires_at);

-- Authorization requests that were pushed and not used yet (RFC 9126); `digest` is of the reference.
CREATE TABLE pushed_requests (
    digest BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL,
    record BYTEA NOT NULL
);
CREATE INDEX pushed_requests_by_expiry ON pushed_requests (expires_at);

-- Groups of people: within a tenant, what one user belongs to.
CREATE TABLE user_groups (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    group_id TEXT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, group_id)
);

-- Organizations: customers of a tenant for whom their people sign in.
CREATE TABLE organizations (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    organization_id TEXT NOT NULL,
    name TEXT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, organization_id),
    UNIQUE (tenant_id, name)
);

CREATE TABLE organization_members (
    tenant_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, organization_id, user_id),
    FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, organization_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX organization_members_by_user ON organization_members (tenant_id, user_id);

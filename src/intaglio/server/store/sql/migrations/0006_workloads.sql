-- Projects and what lives in them: service accounts with their keys, policies, custom roles, target services, pools of
-- external identities; and the audit log.
--
-- Service accounts are kept anew: until now only development mode had one, and puts it back at its next start.

DROP TABLE service_accounts;

CREATE TABLE projects (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    project_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, project_id),
    UNIQUE (tenant_id, number)
);

-- A deleted account keeps its row, so that its number is never another's; its address is free again.
CREATE TABLE service_accounts (
    tenant_id TEXT NOT NULL,
    unique_id TEXT NOT NULL,
    email TEXT NOT NULL,
    project_id TEXT NOT NULL,
    deleted_at BIGINT,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, unique_id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, project_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX service_accounts_by_email ON service_accounts (tenant_id, email) WHERE deleted_at IS NULL;
CREATE INDEX service_accounts_by_project ON service_accounts (tenant_id, project_id, email);

CREATE TABLE account_keys (
    tenant_id TEXT NOT NULL,
    unique_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    expires_at BIGINT,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, unique_id, key_id),
    FOREIGN KEY (tenant_id, unique_id) REFERENCES service_accounts (tenant_id, unique_id) ON DELETE CASCADE
);
CREATE INDEX account_keys_by_expiry ON account_keys (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE policies (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    resource TEXT NOT NULL,
    etag TEXT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, resource)
);

CREATE TABLE custom_roles (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, role)
);

CREATE TABLE services (
    tenant_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, project_id, name),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, project_id) ON DELETE CASCADE
);

-- An audience means one service.
CREATE TABLE service_audiences (
    tenant_id TEXT NOT NULL,
    audience TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (tenant_id, audience),
    FOREIGN KEY (tenant_id, project_id, name) REFERENCES services (tenant_id, project_id, name) ON DELETE CASCADE
);
CREATE INDEX service_audiences_by_service ON service_audiences (tenant_id, project_id, name);

CREATE TABLE pools (
    tenant_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, project_id, pool_id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, project_id) ON DELETE CASCADE
);

CREATE TABLE pool_providers (
    tenant_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, project_id, pool_id, provider_id),
    FOREIGN KEY (tenant_id, project_id, pool_id)
        REFERENCES pools (tenant_id, project_id, pool_id) ON DELETE CASCADE
);

-- Access tokens of workloads are not kept; these were withdrawn before their time.
CREATE TABLE revoked_tokens (
    digest BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

-- Entries are named in the order of their instants.
CREATE TABLE audit_log (
    tenant_id TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    action TEXT NOT NULL,
    principal TEXT NOT NULL,
    resource TEXT NOT NULL,
    outcome TEXT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, entry_id)
);
CREATE INDEX audit_log_by_principal ON audit_log (tenant_id, principal, entry_id);
CREATE INDEX audit_log_by_resource ON audit_log (tenant_id, resource, entry_id);
CREATE INDEX audit_log_by_instant ON audit_log (at);

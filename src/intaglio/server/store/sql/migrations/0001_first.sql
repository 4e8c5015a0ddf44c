-- The first schema. Instants are whole seconds since 1970; digests are bytes; `record` is JSON.
-- One text for both engines: SQLite accepts BIGINT and BYTEA and keeps integers and blobs as they are.

CREATE TABLE installation_facts (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE tenants (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    record BYTEA NOT NULL
);

CREATE TABLE tenant_hosts (
    host TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE
);
CREATE INDEX tenant_hosts_by_tenant ON tenant_hosts (tenant_id);

CREATE TABLE clients (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, client_id)
);

CREATE TABLE users (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    sign_in_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    UNIQUE (tenant_id, sign_in_name)
);

CREATE TABLE service_accounts (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    email TEXT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, email)
);

-- Consent goes with its user and its client, so that a client registered later under the same name inherits nothing.
CREATE TABLE consents (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, client_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
);
CREATE INDEX consents_by_client ON consents (tenant_id, client_id);

CREATE TABLE signing_keys (
    ring_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    alg TEXT NOT NULL,
    sealed_private TEXT NOT NULL,
    certificate BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    active_at BIGINT NOT NULL,
    retired_at BIGINT,
    gone_at BIGINT,
    revoked_at BIGINT,
    PRIMARY KEY (ring_id, key_id)
);
CREATE INDEX signing_keys_by_gone ON signing_keys (gone_at) WHERE gone_at IS NOT NULL;

CREATE TABLE sessions (
    session_id TEXT NOT NULL PRIMARY KEY,
    digest BYTEA NOT NULL,
    tenant_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    user_id TEXT NOT NULL,
    auth_time BIGINT NOT NULL,
    amr TEXT NOT NULL,
    acr TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT,
    UNIQUE (digest, issuer)
);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE transactions (
    digest BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL,
    record BYTEA NOT NULL
);
CREATE INDEX transactions_by_expiry ON transactions (expires_at);

-- What hangs on a grant has no foreign key to it: those rows are many, short-lived, always read through a join with
-- their grant (so that one without is as good as absent), and removed by their own expiry.
CREATE TABLE grants (
    grant_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    auth_time BIGINT NOT NULL,
    acr TEXT NOT NULL,
    amr TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX grants_by_session ON grants (session_id) WHERE session_id <> '';
CREATE INDEX grants_by_expiry ON grants (expires_at);

CREATE TABLE codes (
    digest BYTEA NOT NULL PRIMARY KEY,
    grant_id TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    code_challenge TEXT NOT NULL,
    scope TEXT NOT NULL,
    nonce TEXT NOT NULL,
    auth_time BIGINT NOT NULL,
    acr TEXT NOT NULL,
    amr TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX codes_by_expiry ON codes (expires_at);

CREATE TABLE access_tokens (
    digest BYTEA NOT NULL PRIMARY KEY,
    grant_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);

CREATE TABLE refresh_tokens (
    digest BYTEA NOT NULL PRIMARY KEY,
    grant_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

CREATE TABLE throttles (
    key BYTEA NOT NULL PRIMARY KEY,
    window_at BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX throttles_by_expiry ON throttles (expires_at);

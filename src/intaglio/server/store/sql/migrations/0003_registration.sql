-- Assertions that clients have used, and the tokens that let clients register themselves.

CREATE TABLE assertions (
    digest BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX assertions_by_expiry ON assertions (expires_at);

CREATE TABLE registration_tokens (
    digest BYTEA NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    token_id TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    uses_left BIGINT NOT NULL,
    UNIQUE (tenant_id, token_id)
);
CREATE INDEX registration_tokens_by_expiry ON registration_tokens (expires_at);

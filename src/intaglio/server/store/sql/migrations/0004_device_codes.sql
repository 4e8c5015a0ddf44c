-- Devices that wait for a person's decision (RFC 8628).

CREATE TABLE device_codes (
    digest BYTEA NOT NULL PRIMARY KEY,
    user_code BYTEA NOT NULL UNIQUE,
    grant_id TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    poll_seconds BIGINT NOT NULL,
    polled_at BIGINT,
    decision TEXT NOT NULL DEFAULT '',
    user_id TEXT NOT NULL DEFAULT '',
    session_id TEXT NOT NULL DEFAULT '',
    granted TEXT NOT NULL DEFAULT '',
    auth_time BIGINT NOT NULL DEFAULT 0,
    acr TEXT NOT NULL DEFAULT '',
    amr TEXT NOT NULL DEFAULT '',
    used_at BIGINT
);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);

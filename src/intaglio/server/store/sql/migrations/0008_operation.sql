-- Running it for real: administrators, wrapped keys, limits, duties that one process does for all, a chained audit log.
-- phase: expand

-- Who may administer: a user or a client of a tenant (`principal` is `user:<id>` or `client:<id>`), in one tenant or,
-- where `scope` is empty, in all.
CREATE TABLE administrators (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id) ON DELETE CASCADE,
    principal TEXT NOT NULL,
    scope TEXT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, principal, scope)
);

CREATE INDEX administrators_by_scope ON administrators (scope);

-- Links that work once; `digest` is of the secret in the link.
CREATE TABLE invitations (
    digest BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL,
    record BYTEA NOT NULL
);
CREATE INDEX invitations_by_expiry ON invitations (expires_at);

-- The keys under which everything else is sealed, all of them together: sealed under a key of their own, which a master
-- key wraps. While the master key is being changed there is a row for the old one and one for the new. `used_at` is when
-- a process that runs with that master key last said so.
CREATE TABLE vault_keys (
    wrapped_by TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    wrapped TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT
);

-- How often something was done in a window of time, by all processes together.
CREATE TABLE rates (
    key BYTEA NOT NULL PRIMARY KEY,
    window_at BIGINT NOT NULL,
    used BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX rates_by_expiry ON rates (expires_at);

-- What one process does for all: whoever holds a duty renews it before `until`.
CREATE TABLE duties (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL
);

-- Seals of the audit log: each covers the entries that have its number, and the seal before it.
CREATE TABLE audit_seals (
    number BIGINT NOT NULL PRIMARY KEY,
    sealed_at BIGINT NOT NULL,
    entries BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    record BYTEA NOT NULL
);
ALTER TABLE audit_log ADD COLUMN ref TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_log ADD COLUMN seal BIGINT;
-- An entry is written with every token, so as few indexes as can be have it then: entries are named in the order of their
-- instants, and found by whose they are once they are sealed, which many are together.
DROP INDEX audit_log_by_instant;
DROP INDEX audit_log_by_principal;
DROP INDEX audit_log_by_resource;
CREATE INDEX audit_log_by_principal ON audit_log (tenant_id, principal, entry_id) WHERE seal IS NOT NULL;
CREATE INDEX audit_log_by_resource ON audit_log (tenant_id, resource, entry_id) WHERE seal IS NOT NULL;
CREATE INDEX audit_log_by_seal ON audit_log (seal);

-- What ends with a user, a client or a tenant is found by them.
CREATE INDEX grants_by_client ON grants (tenant_id, client_id);

-- Signing out: who is to be told of it, what is still to be told, and what people see of their own sessions.

-- Clients with a logout address that got tokens in a session. They go with their session, whenever it is swept.
CREATE TABLE session_clients (
    session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    PRIMARY KEY (session_id, client_id)
);

-- What has been decided here and must still happen elsewhere. A row whose `due_at` has come is anybody's; who takes it
-- writes a lease and moves `due_at` to the lease's end, so that a worker that dies gives it back by doing nothing.
CREATE TABLE outbox (
    entry_id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    record BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    give_up_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    lease TEXT NOT NULL
);
CREATE INDEX outbox_by_due ON outbox (due_at);
CREATE INDEX outbox_by_target ON outbox (target, due_at);

ALTER TABLE sessions ADD COLUMN dialect TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_by_user ON sessions (tenant_id, user_id);
CREATE INDEX grants_by_user ON grants (user_id, client_id) WHERE user_id <> '';

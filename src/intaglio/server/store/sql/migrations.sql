-- The record of which migrations a database has.

-- name: migrations_table
-- Make the record.
CREATE TABLE IF NOT EXISTS schema_migrations (
    number BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL
);

-- name: migrations_table_present [sqlite]
-- Whether the record is there.
SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations';

-- name: migrations_table_present [postgresql]
-- Whether the record is there.
SELECT 1 WHERE to_regclass('schema_migrations') IS NOT NULL;

-- name: migrations_applied
-- What was applied, in order.
SELECT number, name, checksum, applied_at FROM schema_migrations ORDER BY number;

-- name: migration_insert
-- Note that a migration was applied.
INSERT INTO schema_migrations (number, name, checksum, applied_at) VALUES (:number, :name, :checksum, :applied_at);

-- name: migration_lock [sqlite]
-- Nothing to take: each migration runs in a writing transaction, and looks again inside it.
SELECT 1;

-- name: migration_lock [postgresql]
-- Let one process migrate at a time, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('intaglio migrations', 0));

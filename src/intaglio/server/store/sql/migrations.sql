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

-- name: phases_table
-- Make the record of phases: a program that does not know a migration reads there whether it may go on.
CREATE TABLE IF NOT EXISTS schema_phases (
    number BIGINT NOT NULL PRIMARY KEY,
    phase TEXT NOT NULL
);

-- name: phases_table_present [sqlite]
-- Whether the record of phases is there.
SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_phases';

-- name: phases_table_present [postgresql]
-- Whether the record of phases is there.
SELECT 1 WHERE to_regclass('schema_phases') IS NOT NULL;

-- name: migration_phases
-- The phases of what was applied.
SELECT number, phase FROM schema_phases;

-- name: migration_phase_insert
-- Note the phase of a migration that was applied.
INSERT INTO schema_phases (number, phase) VALUES (:number, :phase);

-- name: migration_lock [sqlite]
-- Nothing to take: each migration runs in a writing transaction, and looks again inside it.
SELECT 1;

-- name: migration_lock [postgresql]
-- Let one process migrate at a time, until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('intaglio migrations', 0));

-- Text is ordered by its bytes, as in SQLite: pages come in the same order on both engines, and an update of the
-- operating system's collations cannot spoil an index.

ALTER TABLE installation_facts ALTER COLUMN name TYPE TEXT COLLATE "C";
ALTER TABLE tenants
    ALTER COLUMN tenant_id TYPE TEXT COLLATE "C",
    ALTER COLUMN slug TYPE TEXT COLLATE "C";
ALTER TABLE tenant_hosts
    ALTER COLUMN host TYPE TEXT COLLATE "C",
    ALTER COLUMN tenant_id TYPE TEXT COLLATE "C";
ALTER TABLE clients
    ALTER COLUMN tenant_id TYPE TEXT COLLATE "C",
    ALTER COLUMN client_id TYPE TEXT COLLATE "C";
ALTER TABLE users
    ALTER COLUMN tenant_id TYPE TEXT COLLATE "C",
    ALTER COLUMN user_id TYPE TEXT COLLATE "C",
    ALTER COLUMN sign_in_name TYPE TEXT COLLATE "C";
ALTER TABLE service_accounts
    ALTER COLUMN tenant_id TYPE TEXT COLLATE "C",
    ALTER COLUMN email TYPE TEXT COLLATE "C";
ALTER TABLE consents
    ALTER COLUMN tenant_id TYPE TEXT COLLATE "C",
    ALTER COLUMN user_id TYPE TEXT COLLATE "C",
    ALTER COLUMN client_id TYPE TEXT COLLATE "C";
ALTER TABLE signing_keys
    ALTER COLUMN ring_id TYPE TEXT COLLATE "C",
    ALTER COLUMN key_id TYPE TEXT COLLATE "C";
ALTER TABLE sessions
    ALTER COLUMN session_id TYPE TEXT COLLATE "C",
    ALTER COLUMN issuer TYPE TEXT COLLATE "C";
ALTER TABLE grants
    ALTER COLUMN grant_id TYPE TEXT COLLATE "C",
    ALTER COLUMN session_id TYPE TEXT COLLATE "C";

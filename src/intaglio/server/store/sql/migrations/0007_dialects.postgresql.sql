-- Text is ordered by its bytes, as in SQLite.

ALTER TABLE tenant_domains
    ALTER COLUMN domain TYPE TEXT COLLATE "C",
    ALTER COLUMN tenant_id TYPE TEXT COLLATE "C";
ALTER TABLE connections
    ALTER COLUMN tenant_id TYPE TEXT COLLATE "C",
    ALTER COLUMN connection_id TYPE TEXT COLLATE "C",
    ALTER COLUMN name TYPE TEXT COLLATE "C";
ALTER TABLE identities
    ALTER COLUMN tenant_id TYPE TEXT COLLATE "C",
    ALTER COLUMN issuer TYPE TEXT COLLATE "C",
    ALTER COLUMN subject TYPE TEXT COLLATE "C",
    ALTER COLUMN user_id TYPE TEXT COLLATE "C";
ALTER TABLE user_groups
    ALTER COLUMN tenant_id TYPE TEXT COLLATE "C",
    ALTER COLUMN group_id TYPE TEXT COLLATE "C";
ALTER TABLE organizations
    ALTER COLUMN tenant_id TYPE TEXT COLLATE "C",
    ALTER COLUMN organization_id TYPE TEXT COLLATE "C",
    ALTER COLUMN name TYPE TEXT COLLATE "C";
ALTER TABLE organization_members
    ALTER COLUMN tenant_id TYPE TEXT COLLATE "C",
    ALTER COLUMN organization_id TYPE TEXT COLLATE "C",
    ALTER COLUMN user_id TYPE TEXT COLLATE "C";

-- Text is ordered by its bytes, as in SQLite.

ALTER TABLE registration_tokens
    ALTER COLUMN tenant_id TYPE TEXT COLLATE "C",
    ALTER COLUMN token_id TYPE TEXT COLLATE "C";

-- Clients and consent.

-- name: client_insert
-- Keep a new client; its identifier is unique in its tenant.
INSERT INTO clients (tenant_id, client_id, created_at, record)
VALUES (:tenant_id, :client_id, :created_at, :record);

-- name: client_replace
-- Replace a client's record; a row comes back if there is such a client.
UPDATE clients SET record = :record WHERE tenant_id = :tenant_id AND client_id = :client_id RETURNING 1;

-- name: client_exchange
-- Replace a client's record if it is still the one that was read; a row comes back if it was.
UPDATE clients SET record = :record
WHERE tenant_id = :tenant_id AND client_id = :client_id AND record = :before
RETURNING 1;

-- name: client_delete
-- Remove a client; a row comes back if there was one.
DELETE FROM clients WHERE tenant_id = :tenant_id AND client_id = :client_id RETURNING 1;

-- name: client_by_id
-- One client of a tenant.
SELECT record FROM clients WHERE tenant_id = :tenant_id AND client_id = :client_id;

-- name: clients_anywhere
-- Clients of that identifier in any tenant, at most sixteen of them.
SELECT record FROM clients WHERE client_id = :client_id ORDER BY tenant_id LIMIT 16;

-- name: client_page
-- Clients of a tenant behind an identifier, by identifier.
SELECT record FROM clients WHERE tenant_id = :tenant_id AND client_id > :after ORDER BY client_id LIMIT :limit;

-- name: own_client_page [sqlite]
-- Clients of a tenant behind an identifier, by identifier, some of them skipped; applications of other tenants are not
-- its own. A record tells where it is at home in a member that nobody can write into a string.
SELECT record FROM clients
WHERE tenant_id = :tenant_id AND client_id > :after
    AND (instr(record, CAST('"home_tenant_id":"' AS BLOB)) = 0 OR instr(record, CAST('"home_tenant_id":""' AS BLOB)) > 0)
ORDER BY client_id LIMIT :limit OFFSET :skip;

-- name: own_client_page [postgresql]
-- Clients of a tenant behind an identifier, by identifier, some of them skipped; applications of other tenants are not
-- its own. A record tells where it is at home in a member that nobody can write into a string.
SELECT record FROM clients
WHERE tenant_id = :tenant_id AND client_id > :after
    AND (position('"home_tenant_id":"'::bytea IN record) = 0 OR position('"home_tenant_id":""'::bytea IN record) > 0)
ORDER BY client_id LIMIT :limit OFFSET :skip;

-- name: own_client_count [sqlite]
-- How many clients a tenant has, without applications of other tenants.
SELECT count(*) FROM clients
WHERE tenant_id = :tenant_id
    AND (instr(record, CAST('"home_tenant_id":"' AS BLOB)) = 0 OR instr(record, CAST('"home_tenant_id":""' AS BLOB)) > 0);

-- name: own_client_count [postgresql]
-- How many clients a tenant has, without applications of other tenants.
SELECT count(*) FROM clients
WHERE tenant_id = :tenant_id
    AND (position('"home_tenant_id":"'::bytea IN record) = 0 OR position('"home_tenant_id":""'::bytea IN record) > 0);

-- name: consent_scopes
-- The scopes that a user has granted to a client, separated by spaces.
SELECT scopes FROM consents WHERE tenant_id = :tenant_id AND user_id = :user_id AND client_id = :client_id;

-- name: consent_upsert [sqlite]
-- Keep the granted scopes. The plan has joined them with the earlier ones, and no other writer came between.
INSERT INTO consents (tenant_id, user_id, client_id, scopes, updated_at)
VALUES (:tenant_id, :user_id, :client_id, :scopes, :now)
ON CONFLICT (tenant_id, user_id, client_id) DO UPDATE SET scopes = excluded.scopes, updated_at = excluded.updated_at;

-- name: consent_upsert [postgresql]
-- Keep the granted scopes together with those that another transaction added since the plan read them.
INSERT INTO consents (tenant_id, user_id, client_id, scopes, updated_at)
VALUES (:tenant_id, :user_id, :client_id, :scopes, :now)
ON CONFLICT (tenant_id, user_id, client_id) DO UPDATE SET
    scopes = (
        SELECT coalesce(string_agg(DISTINCT word, ' ' ORDER BY word), '')
        FROM unnest(string_to_array(consents.scopes || ' ' || excluded.scopes, ' ')) AS word
        WHERE word <> ''
    ),
    updated_at = excluded.updated_at;

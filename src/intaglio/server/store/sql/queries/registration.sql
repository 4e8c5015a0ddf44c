-- Assertions that were used, and the tokens with which clients register themselves.

-- name: assertion_use
-- Use an assertion up; a row comes back to the first who brings it and to nobody else.
INSERT INTO assertions (digest, expires_at) VALUES (:digest, :expires_at)
ON CONFLICT (digest) DO NOTHING RETURNING 1;

-- name: registration_token_insert
-- Keep a new token.
INSERT INTO registration_tokens (digest, tenant_id, token_id, name, created_at, expires_at, uses_left)
VALUES (:digest, :tenant_id, :token_id, :name, :created_at, :expires_at, :uses_left);

-- name: registration_token_live
-- A token that may be used.
SELECT 1 FROM registration_tokens
WHERE digest = :digest AND tenant_id = :tenant_id AND expires_at > :now AND uses_left > 0;

-- name: registration_token_use
-- Use a token once; a row comes back if it could be used.
UPDATE registration_tokens SET uses_left = uses_left - 1
WHERE digest = :digest AND tenant_id = :tenant_id AND expires_at > :now AND uses_left > 0
RETURNING 1;

-- name: registration_token_page
-- Tokens of a tenant behind an identifier, by identifier.
SELECT digest, tenant_id, token_id, name, created_at, expires_at, uses_left FROM registration_tokens
WHERE tenant_id = :tenant_id AND token_id > :after ORDER BY token_id LIMIT :limit;

-- name: registration_token_delete
-- Remove a token; a row comes back if there was one.
DELETE FROM registration_tokens WHERE tenant_id = :tenant_id AND token_id = :token_id RETURNING 1;

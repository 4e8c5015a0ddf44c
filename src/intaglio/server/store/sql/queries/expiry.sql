-- What is removed in small batches when its time is over; a row comes back for each that was removed. The outer
-- condition is tested again on a row that another transaction has just renewed.

-- name: expired_codes_delete
-- Codes, used or not.
DELETE FROM codes WHERE digest IN (
    SELECT digest FROM codes WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- name: expired_access_delete
-- Access tokens.
DELETE FROM access_tokens WHERE digest IN (
    SELECT digest FROM access_tokens WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- name: expired_refresh_delete
-- Refresh tokens.
DELETE FROM refresh_tokens WHERE digest IN (
    SELECT digest FROM refresh_tokens WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- name: expired_sessions_delete
-- Sessions, ended or not.
DELETE FROM sessions WHERE session_id IN (
    SELECT session_id FROM sessions WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- name: expired_transactions_delete
-- Authorization requests that nobody finished.
DELETE FROM transactions WHERE digest IN (
    SELECT digest FROM transactions WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- name: expired_devices_delete
-- Requests of devices, decided or not.
DELETE FROM device_codes WHERE digest IN (
    SELECT digest FROM device_codes WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- name: expired_upstream_signins_delete
-- Sign-ins at other providers that nobody finished.
DELETE FROM upstream_signins WHERE digest IN (
    SELECT digest FROM upstream_signins WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- name: expired_pushed_requests_delete
-- Pushed authorization requests.
DELETE FROM pushed_requests WHERE digest IN (
    SELECT digest FROM pushed_requests WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- name: expired_throttles_delete
-- Windows of failures that are over.
DELETE FROM throttles WHERE key IN (
    SELECT key FROM throttles WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- name: expired_grants_delete
-- Grants, revoked or not.
DELETE FROM grants WHERE grant_id IN (
    SELECT grant_id FROM grants WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- name: expired_assertions_delete
-- Assertions that could not be used any more.
DELETE FROM assertions WHERE digest IN (
    SELECT digest FROM assertions WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- name: expired_registration_tokens_delete
-- Initial access tokens, used up or not.
DELETE FROM registration_tokens WHERE digest IN (
    SELECT digest FROM registration_tokens WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- name: gone_keys_delete
-- Keys that have left the published set.
DELETE FROM signing_keys WHERE (ring_id, key_id) IN (
    SELECT ring_id, key_id FROM signing_keys WHERE gone_at <= :now ORDER BY gone_at LIMIT :limit
) AND gone_at <= :now RETURNING 1;

-- name: expired_account_keys_delete
-- Keys of service accounts.
DELETE FROM account_keys WHERE (tenant_id, unique_id, key_id) IN (
    SELECT tenant_id, unique_id, key_id FROM account_keys WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- name: expired_revoked_tokens_delete
-- Access tokens that were withdrawn and would have expired by now.
DELETE FROM revoked_tokens WHERE digest IN (
    SELECT digest FROM revoked_tokens WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

-- Devices that wait for a person's decision (RFC 8628).

-- name: device_insert
-- Keep a new request; a user code leads to one request.
INSERT INTO device_codes
    (digest, user_code, grant_id, tenant_id, issuer, client_id, scope, origin, created_at, expires_at, poll_seconds)
VALUES
    (:digest, :user_code, :grant_id, :tenant_id, :issuer, :client_id, :scope, :origin, :created_at, :expires_at,
    :poll_seconds);

-- name: device_by_digest
-- A request by the device's code, whatever has become of it.
SELECT digest, user_code, grant_id, tenant_id, issuer, client_id, scope, origin, created_at, expires_at, poll_seconds,
    polled_at, decision, user_id, session_id, granted, auth_time, acr, amr, used_at, circumstances
FROM device_codes WHERE digest = :digest;

-- name: device_by_user_code
-- A request that still waits, by the code that its person types.
SELECT digest, user_code, grant_id, tenant_id, issuer, client_id, scope, origin, created_at, expires_at, poll_seconds,
    polled_at, decision, user_id, session_id, granted, auth_time, acr, amr, used_at, circumstances
FROM device_codes WHERE user_code = :user_code AND decision = '' AND expires_at > :now;

-- name: device_poll
-- Note a poll; one that comes too early makes the interval longer by five seconds (RFC 8628 section 3.5).
UPDATE device_codes SET
    poll_seconds = CASE WHEN polled_at IS NOT NULL AND polled_at + poll_seconds - 1 > CAST(:now AS BIGINT)
        THEN poll_seconds + 5 ELSE poll_seconds END,
    polled_at = CAST(:now AS BIGINT)
WHERE digest = :digest
RETURNING poll_seconds;

-- name: device_decide
-- Write down what the person decided, unless it was decided before or is too late; with it the tenant, which is the
-- person's where the device asked at an address for several tenants.
UPDATE device_codes SET decision = :decision, user_id = :user_id, session_id = :session_id, granted = :granted,
    auth_time = :auth_time, acr = :acr, amr = :amr, circumstances = :circumstances,
    tenant_id = CASE WHEN tenant_id = '' THEN CAST(:tenant_id AS TEXT) ELSE tenant_id END
WHERE digest = :digest AND decision = '' AND expires_at > :now
RETURNING digest;

-- name: device_use [sqlite]
-- Use an approved request up unless it was used, has expired, or its session has ended.
UPDATE device_codes SET used_at = :now
WHERE digest = :digest AND decision = 'approved' AND used_at IS NULL AND expires_at > :now
    AND NOT EXISTS (
        SELECT 1 FROM sessions AS s WHERE s.session_id = device_codes.session_id AND s.ended_at IS NOT NULL
    )
RETURNING digest, user_code, grant_id, tenant_id, issuer, client_id, scope, origin, created_at, expires_at,
    poll_seconds, polled_at, decision, user_id, session_id, granted, auth_time, acr, amr, used_at, circumstances;

-- name: device_use [postgresql]
-- Use an approved request up unless it was used, has expired, or its session has ended. The session's row is held
-- meanwhile, as when a code is used.
WITH session AS (
    SELECT s.ended_at FROM sessions AS s
    WHERE s.session_id = (SELECT d.session_id FROM device_codes AS d WHERE d.digest = :digest)
    FOR SHARE
)
UPDATE device_codes SET used_at = :now
WHERE digest = :digest AND decision = 'approved' AND used_at IS NULL AND expires_at > :now
    AND NOT EXISTS (SELECT 1 FROM session WHERE session.ended_at IS NOT NULL)
RETURNING digest, user_code, grant_id, tenant_id, issuer, client_id, scope, origin, created_at, expires_at,
    poll_seconds, polled_at, decision, user_id, session_id, granted, auth_time, acr, amr, used_at, circumstances;

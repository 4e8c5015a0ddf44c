-- How often something was done, by all processes together.

-- name: rate_add
-- Add to a window, or begin the next one; the window's count comes back. A window that begins later than the next one is
-- of a clock that was wrong: it gives way.
INSERT INTO rates (key, window_at, used, expires_at) VALUES (:key, :window_at, :used, :expires_at)
ON CONFLICT (key) DO UPDATE SET
    used = CASE
        WHEN rates.window_at = excluded.window_at THEN rates.used + excluded.used
        WHEN rates.window_at < excluded.window_at OR rates.window_at > excluded.expires_at THEN excluded.used
        ELSE rates.used END,
    expires_at = CASE
        WHEN rates.window_at < excluded.window_at OR rates.window_at > excluded.expires_at THEN excluded.expires_at
        ELSE rates.expires_at END,
    window_at = CASE
        WHEN rates.window_at < excluded.window_at OR rates.window_at > excluded.expires_at THEN excluded.window_at
        ELSE rates.window_at END
RETURNING used;

-- name: expired_rates_delete
-- Windows that are over.
DELETE FROM rates WHERE key IN (
    SELECT key FROM rates WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) AND expires_at <= :now RETURNING 1;

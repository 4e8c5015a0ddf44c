-- What must still happen elsewhere.

-- name: outbox_insert
-- Keep a new entry; one that is there already stays as it is.
INSERT INTO outbox (entry_id, kind, target, record, created_at, due_at, give_up_at, attempts, lease)
VALUES (:entry_id, :kind, :target, :record, :created_at, :due_at, :give_up_at, 0, '')
ON CONFLICT (entry_id) DO NOTHING;

-- name: outbox_is_due
-- Whether anything waits; a claim would write.
SELECT 1 FROM outbox WHERE due_at <= :now LIMIT 1;

-- name: outbox_claim [sqlite]
-- Take due entries, oldest first, of each target no more than its share, counting those that are taken already.
UPDATE outbox SET lease = :lease, due_at = :until, attempts = attempts + 1
WHERE entry_id IN (
    SELECT ranked.entry_id FROM (
        SELECT ready.entry_id, ready.target, ready.due_at,
            row_number() OVER (PARTITION BY ready.target ORDER BY ready.due_at, ready.entry_id) AS place
        FROM (
            SELECT entry_id, target, due_at FROM outbox WHERE due_at <= :now ORDER BY due_at LIMIT :depth
        ) AS ready
    ) AS ranked
    WHERE ranked.place <= :share AND ranked.place + (
        SELECT count(*) FROM outbox AS held
        WHERE held.target = ranked.target AND held.due_at > :now AND held.lease <> ''
    ) <= :share
    ORDER BY ranked.due_at LIMIT :limit
)
RETURNING entry_id, kind, target, record, created_at, due_at, give_up_at, attempts, lease;

-- name: outbox_claim [postgresql]
-- Take due entries, oldest first, of each target no more than its share, counting those that are taken already.
UPDATE outbox SET lease = :lease, due_at = :until, attempts = attempts + 1
WHERE entry_id IN (
    SELECT free.entry_id FROM outbox AS free
    WHERE free.due_at <= :now AND free.entry_id IN (
        SELECT ranked.entry_id FROM (
            SELECT ready.entry_id, ready.target, ready.due_at,
                row_number() OVER (PARTITION BY ready.target ORDER BY ready.due_at, ready.entry_id) AS place
            FROM (
                SELECT entry_id, target, due_at FROM outbox WHERE due_at <= :now ORDER BY due_at LIMIT :depth
            ) AS ready
        ) AS ranked
        WHERE ranked.place <= :share AND ranked.place + (
            SELECT count(*) FROM outbox AS held
            WHERE held.target = ranked.target AND held.due_at > :now AND held.lease <> ''
        ) <= :share
        ORDER BY ranked.due_at LIMIT :limit
    )
    FOR UPDATE SKIP LOCKED
)
RETURNING entry_id, kind, target, record, created_at, due_at, give_up_at, attempts, lease;

-- name: outbox_finish
-- Remove an entry that is done with, or given up; a row comes back unless the lease has passed to another.
DELETE FROM outbox WHERE entry_id = :entry_id AND lease = :lease RETURNING 1;

-- name: outbox_again
-- Give an entry back until its next attempt.
UPDATE outbox SET lease = '', due_at = :due_at WHERE entry_id = :entry_id AND lease = :lease;

-- name: outbox_put_off
-- Let a target that has just failed rest: what waits for it waits a little longer, and does not stand before others.
UPDATE outbox SET due_at = :due_at WHERE target = :target AND due_at <= :now;

-- name: outbox_oldest
-- Since when the longest waiting entry is due.
SELECT min(due_at) FROM outbox WHERE due_at <= :now;

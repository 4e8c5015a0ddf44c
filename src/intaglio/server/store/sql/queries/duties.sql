-- What one process does for all.

-- name: duty_take
-- Take a duty, or go on with one's own; a row comes back to whoever has it now.
INSERT INTO duties (name, holder, until) VALUES (:name, :holder, :until)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE duties.holder = excluded.holder OR duties.until <= :now OR duties.until > :beyond
RETURNING name;

-- name: duty_lay_down
-- Give one's own duty up, so that another need not wait for its end.
DELETE FROM duties WHERE name = :name AND holder = :holder;

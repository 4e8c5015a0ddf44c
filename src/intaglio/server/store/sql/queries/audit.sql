-- The audit log.

-- name: audit_insert
-- Write an entry of the audit log.
INSERT INTO audit_log (tenant_id, entry_id, at, action, principal, resource, outcome, ref, record)
VALUES (:tenant_id, :entry_id, :at, :action, :principal, :resource, :outcome, :ref, :record);

-- name: audit_page
-- Entries of a tenant before an entry, the newest first; an empty action, principal, resource or reference means any.
SELECT tenant_id, entry_id, at, action, principal, resource, outcome, ref, record, seal FROM audit_log
WHERE tenant_id = :tenant_id AND entry_id < :before AND entry_id >= :since
    AND (CAST(:action AS TEXT) = '' OR action = :action)
    AND (CAST(:principal AS TEXT) = '' OR principal = :principal)
    AND (CAST(:resource AS TEXT) = '' OR resource = :resource)
    AND (CAST(:ref AS TEXT) = '' OR ref = :ref)
ORDER BY entry_id DESC LIMIT :limit;

-- name: audit_page_unsealed
-- The same of those that no seal covers yet: there are few, and no index but that of the seals has them.
SELECT tenant_id, entry_id, at, action, principal, resource, outcome, ref, record, seal FROM audit_log
WHERE seal IS NULL AND tenant_id || '' = :tenant_id AND entry_id || '' < :before AND entry_id >= :since
    AND (CAST(:action AS TEXT) = '' OR action = :action)
    AND (CAST(:principal AS TEXT) = '' OR principal = :principal)
    AND (CAST(:resource AS TEXT) = '' OR resource = :resource)
    AND (CAST(:ref AS TEXT) = '' OR ref = :ref)
ORDER BY entry_id DESC LIMIT :limit;

-- name: audit_page_by_principal
-- The same of one principal, among those that a seal covers.
SELECT tenant_id, entry_id, at, action, principal, resource, outcome, ref, record, seal FROM audit_log
WHERE seal IS NOT NULL AND tenant_id = :tenant_id AND principal = :principal
    AND entry_id < :before AND entry_id >= :since
    AND (CAST(:action AS TEXT) = '' OR action = :action)
    AND (CAST(:resource AS TEXT) = '' OR resource = :resource)
    AND (CAST(:ref AS TEXT) = '' OR ref = :ref)
ORDER BY entry_id DESC LIMIT :limit;

-- name: audit_page_by_resource
-- The same of one resource.
SELECT tenant_id, entry_id, at, action, principal, resource, outcome, ref, record, seal FROM audit_log
WHERE seal IS NOT NULL AND tenant_id = :tenant_id AND resource = :resource
    AND entry_id < :before AND entry_id >= :since
    AND (CAST(:action AS TEXT) = '' OR action = :action)
    AND (CAST(:principal AS TEXT) = '' OR principal = :principal)
    AND (CAST(:ref AS TEXT) = '' OR ref = :ref)
ORDER BY entry_id DESC LIMIT :limit;

-- name: audit_forward
-- Entries of a tenant behind an entry, the oldest first.
SELECT tenant_id, entry_id, at, action, principal, resource, outcome, ref, record, seal FROM audit_log
WHERE tenant_id = :tenant_id AND entry_id > :after AND entry_id < :until
    AND (CAST(:action AS TEXT) = '' OR action = :action)
    AND (CAST(:principal AS TEXT) = '' OR principal = :principal)
    AND (CAST(:resource AS TEXT) = '' OR resource = :resource)
    AND (CAST(:ref AS TEXT) = '' OR ref = :ref)
ORDER BY entry_id LIMIT :limit;

-- name: audit_next_tenant
-- The first tenant behind another that has entries; each is found by the index, without looking at all entries.
SELECT MIN(tenant_id) FROM audit_log WHERE tenant_id > :after;

-- name: audit_unsealed
-- Whether there are entries that no seal covers.
SELECT 1 FROM audit_log WHERE seal IS NULL LIMIT 1;

-- name: audit_unsealed_count
-- How many entries no seal covers.
SELECT COUNT(*) FROM audit_log WHERE seal IS NULL;

-- name: audit_seal [sqlite]
-- Give entries that no seal covers the number of the next one; what they are comes back.
UPDATE audit_log SET seal = :number
WHERE rowid IN (SELECT rowid FROM audit_log WHERE seal IS NULL LIMIT :limit)
RETURNING tenant_id, entry_id, at, action, principal, resource, outcome, ref, record, seal;

-- name: audit_seal [postgresql]
-- Give entries that no seal covers the number of the next one; what they are comes back.
UPDATE audit_log SET seal = :number
WHERE ctid = ANY (ARRAY (SELECT ctid FROM audit_log WHERE seal IS NULL LIMIT :limit FOR UPDATE))
RETURNING tenant_id, entry_id, at, action, principal, resource, outcome, ref, record, seal;

-- name: audit_seal_insert
-- Keep a seal; of two with one number one is refused.
INSERT INTO audit_seals (number, sealed_at, entries, digest, record)
VALUES (:number, :sealed_at, :entries, :digest, :record);

-- name: audit_last_seal
-- The newest seal.
SELECT number, digest FROM audit_seals WHERE number = (SELECT MAX(number) FROM audit_seals);

-- name: audit_seals
-- Seals behind a number, the oldest first.
SELECT number, sealed_at, entries, digest, record FROM audit_seals
WHERE number > :after ORDER BY number LIMIT :limit;

-- name: audit_of_seals
-- The entries of some seals.
SELECT tenant_id, entry_id, at, action, principal, resource, outcome, ref, record, seal FROM audit_log
WHERE seal >= :first AND seal <= :last;

-- name: audit_strays
-- Entries that have the number of a seal that is not there.
SELECT tenant_id, entry_id, seal FROM audit_log AS a
WHERE seal IS NOT NULL AND NOT EXISTS (SELECT 1 FROM audit_seals AS s WHERE s.number = a.seal)
ORDER BY seal, tenant_id, entry_id LIMIT :limit;

-- name: audit_prune_entries
-- Remove the entries of the oldest seals.
DELETE FROM audit_log WHERE seal <= :last;

-- name: audit_prune_seals
-- Remove the oldest seals.
DELETE FROM audit_seals WHERE number <= :last;

-- A user is found by e-mail address without looking at all the others. The key is what stands behind the first
-- `"email":"` of the record up to the next quotation mark: nothing inside a string looks like that, for its quotation
-- marks are escaped, and the claims come first. An entry of an index has its bounds.
-- What reads UTF-8 is not immutable for the engine, since one may change what the encoding means; nobody does.
CREATE FUNCTION intaglio_email_key(record BYTEA) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS '
    SELECT left(lower(split_part(split_part(convert_from(record, ''UTF8''), ''"email":"'', 2), ''"'', 1)
        COLLATE "C"), 320)
';
CREATE INDEX users_by_email ON users (tenant_id, (intaglio_email_key(record) COLLATE "C"));

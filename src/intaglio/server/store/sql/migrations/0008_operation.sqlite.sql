-- A user is found by e-mail address without looking at all the others. The key is what stands behind the first
-- `"email":"` of the record up to the next quotation mark: nothing inside a string looks like that, for its quotation
-- marks are escaped, and the claims come first. JSON functions may not stand in an index of a schema that is not trusted.
CREATE INDEX users_by_email ON users (tenant_id, lower(substr(
    CAST(record AS TEXT),
    instr(CAST(record AS TEXT), '"email":"') + 9,
    min(instr(substr(CAST(record AS TEXT), instr(CAST(record AS TEXT), '"email":"') + 9), '"') - 1, 320)
)));

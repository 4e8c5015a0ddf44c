-- What a request's `claims` parameter asked for goes with its code and its grant.

ALTER TABLE codes ADD COLUMN claims TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN claims TEXT NOT NULL DEFAULT '';

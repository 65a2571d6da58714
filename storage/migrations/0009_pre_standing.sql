-- What a vehicle says over and over: while it stands, its repetition changes one row, the vehicle's,
-- and the episodes it covers take their latest times from there.

alter table vehicle
    add column standing bytea,
    add column standing_at timestamptz,
    add column standing_observed_at timestamptz,
    add column standing_seq bigint;
-- This row changes with nearly every report: in place, if its page has room.
alter table vehicle set (fillfactor = 50);

alter table episode add column is_standing boolean not null default false;

-- Whose rules hold for a vehicle. A version of a principal's rules is never changed: a new one ends
-- the one before, which stays, so that a referral's rules can be read for as long as it is kept.

create table principal (
    name       text not null,
    version    text not null,
    rules      jsonb not null,
    digest     text not null,
    stored_at  timestamptz not null,
    ended_at   timestamptz,
    primary key (name, version)
);
create unique index principal_one_current on principal (name) where ended_at is null;

alter table vehicle
    add column principal text,
    add column warranty_until date,
    add column lang text;

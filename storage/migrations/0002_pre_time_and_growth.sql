-- Time that may lie, cases that come back, dead letters that are replayed, and tables that grow.

-- How far the unit's clock is behind ours, and a lag that may turn out to be its new error.
alter table vehicle
    add column clock_error_s double precision,
    add column clock_lag_s double precision,
    add column clock_lag_since timestamptz;

-- `is_latest` finds the newest episode of each fault without reading the others, however many.
alter table episode
    add column status_byte smallint,
    add column onset_at timestamptz,
    add column observed_at timestamptz,
    add column seq bigint,
    add column confirmed_at timestamptz,
    add column permanent_at timestamptz,
    add column return_count integer not null default 0,
    add column time_doubt text,
    add column is_latest boolean not null default true;
update episode
set
    onset_at = first_seen_at,
    observed_at = last_seen_at,
    is_latest = not exists (
        select from episode as later
        where
            later.vehicle_id = episode.vehicle_id
            and later.ecu = episode.ecu
            and later.code = episode.code
            and later.ordinal > episode.ordinal
    );
alter table episode
    alter column onset_at set not null,
    alter column observed_at set not null;
create unique index episode_one_latest on episode (vehicle_id, ecu, code) where is_latest;
-- A repeated fault changes its row in place if the page has room.
alter table episode set (fillfactor = 80);

create index case_episode_by_case on case_episode (vehicle_id, case_id);

-- `has_offers`: of the latest referral. A case that has none is looked at when the directory changes.
alter table repair_case
    add column came_back_from uuid,
    add column has_offers boolean not null default true;
create index repair_case_without_offers on repair_case (vehicle_id)
where closed_at is null and not has_offers;

alter table referral
    add column need jsonb,
    add column offer_count integer,
    add column directory_version text;

-- Faults that make no case of their own, and why. Rows stay when the reason is gone.
create table set_aside (
    vehicle_id  uuid not null,
    episode_id  uuid not null,
    reason      text not null,
    since       timestamptz not null,
    ended_at    timestamptz,
    primary key (vehicle_id, episode_id),
    foreign key (vehicle_id, episode_id) references episode
);

-- Reports and transitions by week, so that what is old is dropped and not deleted. What falls
-- outside every week is kept in the default partition, and moved when its week is made. They refer to
-- nothing by constraint: rows are written by the transaction that holds their vehicle, and making or
-- dropping a week must not lock the tables they belong to.
alter table report rename to report_unparted;
alter index report_pkey rename to report_unparted_pkey;
create table report (
    vehicle_id     uuid not null,
    event_id       text not null,
    received_at    timestamptz not null,
    unit_at        timestamptz,
    is_historical  boolean not null,
    payload        bytea not null,
    time_doubt     text,
    primary key (vehicle_id, event_id, received_at)
) partition by range (received_at);
create table report_default partition of report default;
insert into report
select vehicle_id, event_id, received_at, unit_at, is_historical, payload from report_unparted;
drop table report_unparted;

alter table transition rename to transition_unparted;
alter index transition_pkey rename to transition_unparted_pkey;
create sequence transition_number;
create table transition (
    vehicle_id     uuid not null,
    transition_id  bigint not null default nextval('transition_number'),
    episode_id     uuid not null,
    kind           text not null,
    at             timestamptz not null,
    primary key (vehicle_id, transition_id, at)
) partition by range (at);
create table transition_default partition of transition default;
insert into transition (vehicle_id, episode_id, kind, at)
select vehicle_id, episode_id, kind, at from transition_unparted order by transition_id;
drop table transition_unparted;

-- Ids are forgotten in the order in which they came, which is how they lie on disk.
create index event_by_time on event using brin (received_at);

-- Make the partition of the week that begins on a Monday; false if it is there.
create function make_week(parent regclass, key name, monday date) returns boolean
language plpgsql as $$
declare
    child text := parent::text || to_char(monday, '_YYYYMMDD');
    lower_at timestamptz := monday::timestamp at time zone 'UTC';
    upper_at timestamptz := (monday + 7)::timestamp at time zone 'UTC';
begin
    if to_regclass(quote_ident(child)) is not null then
        return false;
    end if;
    execute format('create table %I (like %s including all)', child, parent);
    execute format(
        'with moved as (delete from %I where %I >= %L and %I < %L returning *) '
        'insert into %I select * from moved',
        parent::text || '_default', key, lower_at, key, upper_at, child
    );
    execute format(
        'alter table %s attach partition %I for values from (%L) to (%L)',
        parent, child, lower_at, upper_at
    );
    return true;
end
$$;

-- Drop every week that ended by `until`; gives their names.
create function drop_weeks(parent regclass, until date) returns setof text
language plpgsql as $$
declare
    child record;
begin
    for child in
        select c.relname
        from pg_inherits as i
        join pg_class as c on c.oid = i.inhrelid
        where
            i.inhparent = parent
            and c.relname ~ '_[0-9]{8}$'
            and to_date(right(c.relname, 8), 'YYYYMMDD') + 7 <= until
    loop
        execute format('drop table %I', child.relname);
        return next child.relname;
    end loop;
end
$$;

select
    make_week('report', 'received_at', monday::date),
    make_week('transition', 'at', monday::date)
from generate_series(
    date_trunc('week', now() at time zone 'UTC'),
    date_trunc('week', now() at time zone 'UTC') + interval '4 weeks',
    interval '1 week'
) as monday;

-- `is_whole`: a message, not a part of a report that is stored; only this can be replayed.
alter table dead_letter
    add column is_whole boolean not null default false,
    add column tried_at timestamptz,
    add column replayed_at timestamptz;
update dead_letter
set is_whole = reason in (
    'topic', 'too_large', 'not_utf8', 'not_json', 'schema', 'id_conflict', 'store_refused'
);
create index dead_letter_by_unit on dead_letter (unit, last_at);

-- What was given up to stay within the limits: nothing goes without a trace.
create table dead_letter_dropped (
    reason   text primary key,
    letters  bigint not null,
    times    bigint not null,
    last_at  timestamptz not null
);

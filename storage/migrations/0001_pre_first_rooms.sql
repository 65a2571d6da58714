-- The first schema. The vehicle's key leads wherever rows belong to a vehicle, so that tables can be
-- spread over machines by it later. A VIN stands in one column of one table and nowhere else; the
-- position is where the vehicle last reported a change of its faults, not where it is.

create table vehicle (
    vehicle_id     uuid primary key,
    unit           text not null unique,
    vin            text unique,
    make           text,
    model          text,
    model_year     smallint,
    powertrain     text not null default 'unknown',
    vehicle_class  text not null default 'unknown',
    fleet          text,
    is_registered  boolean not null default false,
    lon_deg        double precision,
    lat_deg        double precision
);

-- Every message id ever taken, whatever became of its content: the same message comes in once.
create table event (
    unit         text not null,
    event_id     text not null,
    digest       bytea not null,
    received_at  timestamptz not null,
    primary key (unit, event_id)
) partition by hash (unit);
create table event_0 partition of event for values with (modulus 4, remainder 0);
create table event_1 partition of event for values with (modulus 4, remainder 1);
create table event_2 partition of event for values with (modulus 4, remainder 2);
create table event_3 partition of event for values with (modulus 4, remainder 3);

create table report (
    vehicle_id     uuid not null references vehicle,
    event_id       text not null,
    received_at    timestamptz not null,
    unit_at        timestamptz,
    is_historical  boolean not null,
    payload        bytea not null,
    primary key (vehicle_id, event_id)
);

-- One time that one fault was on. The key is the promise: a fault reported again is the same row.
create table episode (
    vehicle_id        uuid not null references vehicle,
    episode_id        uuid not null,
    ecu               text not null,
    code              text not null,
    ordinal           integer not null,
    service           text not null,
    status            text not null,
    lamps             jsonb not null,
    occurrence_count  integer,
    is_uncertain      boolean not null,
    is_raised         boolean not null,
    first_seen_at     timestamptz not null,
    last_seen_at      timestamptz not null,
    off_at            timestamptz,
    odometer_km       double precision,
    primary key (vehicle_id, episode_id),
    unique (vehicle_id, ecu, code, ordinal)
);
create unique index episode_one_open on episode (vehicle_id, ecu, code) where off_at is null;

create table transition (
    vehicle_id     uuid not null,
    transition_id  bigint generated always as identity,
    episode_id     uuid not null,
    kind           text not null,
    at             timestamptz not null,
    primary key (vehicle_id, transition_id),
    foreign key (vehicle_id, episode_id) references episode
);

-- Vehicles about which something is to be decided. `revision` grows with each new reason, so that a
-- decision taken on older knowledge cannot remove the work that newer knowledge brought.
create table work (
    vehicle_id   uuid primary key references vehicle,
    revision     bigint not null default 1,
    due_at       timestamptz not null,
    lease_token  uuid,
    lease_until  timestamptz
);
create index work_due on work (due_at);

create table repair_case (
    vehicle_id  uuid not null references vehicle,
    case_id     uuid not null,
    opened_at   timestamptz not null,
    closed_at   timestamptz,
    primary key (vehicle_id, case_id)
);
create unique index repair_case_one_open on repair_case (vehicle_id) where closed_at is null;
create index repair_case_by_id on repair_case (case_id);
create index repair_case_by_time on repair_case (opened_at, case_id);

create table case_episode (
    vehicle_id  uuid not null,
    episode_id  uuid not null,
    case_id     uuid not null,
    primary key (vehicle_id, episode_id),
    foreign key (vehicle_id, episode_id) references episode,
    foreign key (vehicle_id, case_id) references repair_case
);

-- `document` is the decision as canonical JSON (RFC 8785), byte for byte as it was hashed and logged.
create table referral (
    vehicle_id     uuid not null,
    case_id        uuid not null,
    version        integer not null,
    referral_id    uuid not null unique,
    decided_at     timestamptz not null,
    need_digest    bytea not null,
    urgency        text not null,
    is_unassigned  boolean not null,
    document       bytea not null,
    primary key (vehicle_id, case_id, version),
    foreign key (vehicle_id, case_id) references repair_case
);
create index referral_by_time on referral (decided_at, referral_id);

-- `position` is the order of writing: a vehicle's row is locked by then, so within one vehicle it is
-- also the order of commits, and the newer of two referrals never overtakes the older one.
create table outbox (
    delivery_id   uuid primary key,
    vehicle_id    uuid not null references vehicle,
    position      bigint generated always as identity,
    unit          text not null,
    payload       bytea not null,
    created_at    timestamptz not null default now(),
    due_at        timestamptz not null,
    attempts      integer not null default 0,
    lease_token   uuid,
    lease_until   timestamptz,
    delivered_at  timestamptz
);
create index outbox_due on outbox (due_at) where delivered_at is null;
create index outbox_in_order on outbox (vehicle_id, position) where delivered_at is null;

-- Written with the decision, numbered by the sequencer afterwards: commit order is not insert order.
create table log_pending (
    entry_id    uuid primary key,
    body        bytea not null,
    created_at  timestamptz not null
);
create index log_pending_in_order on log_pending (created_at, entry_id);

-- `kept`: the roots of the complete subtrees of 256, 65 536, … entries that end with this one.
create table log_entry (
    log_index  bigint primary key,
    entry_id   uuid not null unique,
    leaf_hash  bytea not null,
    kept       bytea not null,
    body       bytea not null
);

-- Only the head is ever updated: `size` entries, and the hashes from which the root follows.
create table log_head (
    is_head   boolean primary key default true check (is_head),
    size      bigint not null,
    frontier  bytea[] not null,
    root      bytea not null
);
insert into log_head (size, frontier, root) values (0, '{}', sha256(''));

create table dead_letter (
    dead_letter_id  bigint generated always as identity primary key,
    digest          bytea not null unique,
    topic           text not null,
    unit            text,
    event_id        text,
    reason          text not null,
    text            text not null,
    raw             bytea not null,
    first_at        timestamptz not null,
    last_at         timestamptz not null,
    times           bigint not null default 1
);
create index dead_letter_by_reason on dead_letter (reason, last_at);

create table site (
    site_id          text primary key,
    source           text not null,
    name             text not null,
    lon_deg          double precision not null,
    lat_deg          double precision not null,
    country          text not null,
    vehicle_classes  text[] not null,
    makes            text[] not null,
    equipment        text[] not null,
    access           text[] not null,
    opening_hours    text
);

create table person (
    site_id  text not null references site on delete cascade,
    number   integer not null,
    primary key (site_id, number)
);

create table credential (
    site_id      text not null,
    person       integer not null,
    scheme       text not null,
    title        text not null,
    valid_from   date not null,
    valid_until  date,
    evidence     text not null,
    is_revoked   boolean not null,
    primary key (site_id, person, scheme, title, valid_from),
    foreign key (site_id, person) references person on delete cascade
);

-- Each change of the directory has a number; a decision names the one it used.
create table directory_version (
    version     bigint generated always as identity primary key,
    changed_at  timestamptz not null default now(),
    source      text not null
);

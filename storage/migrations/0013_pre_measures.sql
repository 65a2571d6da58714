-- Suspensions and removals. What happened to one stands in register_event, and is only added to.
create table measure (
    measure_id    uuid primary key,
    business_id   uuid not null references business,
    site_id       text references site,
    kind          text not null,
    cause         text not null,
    reason        text not null,
    basis         text not null,
    noticed_at    timestamptz not null,
    effective_at  timestamptz not null,
    reply         text not null default '',
    replied_at    timestamptz,
    upheld_at     timestamptz,
    ended_at      timestamptz,
    ruling        text not null default ''
);
create index measure_by_business on measure (business_id, noticed_at, measure_id);

-- Why a site is on no list, and since when: `suspended safety 2026-12-01T08:00:00+00:00`. An import leaves it alone.
alter table site add column bar text not null default '';

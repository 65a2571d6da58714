-- Where a case was repaired, as somebody attests it, and what came of it, as the vehicle shows it.
-- `outcome` is null until that is known: `held` or `came_back`. A repair that was attested by mistake
-- is withdrawn; the log keeps both.
create table repair (
    vehicle_id   uuid not null,
    case_id      uuid not null,
    site_id      text not null,
    basis        text not null,
    attested_by  uuid not null,
    attested_at  timestamptz not null,
    outcome      text,
    settled_at   timestamptz,
    primary key (vehicle_id, case_id),
    foreign key (vehicle_id, case_id) references repair_case
);
create index repair_unsettled on repair (attested_at) where outcome is null;
create index repair_by_site on repair (site_id) where outcome is not null;
create index repair_case_came_back on repair_case (vehicle_id, came_back_from)
where came_back_from is not null;

-- How repairs there went: how many held and how many came back, as in `95 5`; empty if none is known.
alter table site add column outcomes text not null default '';

-- What people stated that moves referrals: where a case was repaired, whose rules hold. The log commits to
-- each document, so it is only ever added to.
create table stated (
    event_id  uuid primary key,
    kind      text not null,
    at        timestamptz not null,
    document  bytea not null
);
create trigger stated_stays before update or delete on stated
for each row execute function refuse_change();

-- name: upsert_sites
insert into site (
    site_id, source, name, lon_deg, lat_deg, country, vehicle_classes, makes, equipment, access,
    opening_hours, absences, service_area, is_van, cases_per_day, hourly_rates, languages, networks,
    insurers, has_replacement_car, known_from
)
select
    site_id, $2, name, lon_deg, lat_deg, country, vehicle_classes, makes, equipment, access,
    opening_hours, absences, service_area, is_van, cases_per_day, hourly_rates, languages, networks,
    insurers, has_replacement_car, $3
from jsonb_to_recordset($1::jsonb) as given (
    site_id text, name text, lon_deg double precision, lat_deg double precision, country text,
    vehicle_classes text[], makes text[], equipment text[], access text[], opening_hours text,
    absences text, service_area text, is_van boolean, cases_per_day integer, hourly_rates text,
    languages text[], networks text[], insurers text[], has_replacement_car boolean
)
order by site_id
on conflict (site_id) do update set
    source = excluded.source,
    name = excluded.name,
    lon_deg = excluded.lon_deg,
    lat_deg = excluded.lat_deg,
    country = excluded.country,
    vehicle_classes = excluded.vehicle_classes,
    makes = excluded.makes,
    equipment = excluded.equipment,
    access = excluded.access,
    opening_hours = excluded.opening_hours,
    absences = excluded.absences,
    service_area = excluded.service_area,
    is_van = excluded.is_van,
    cases_per_day = excluded.cases_per_day,
    hourly_rates = excluded.hourly_rates,
    languages = excluded.languages,
    networks = excluded.networks,
    insurers = excluded.insurers,
    has_replacement_car = excluded.has_replacement_car,
    known_from = excluded.known_from
where
    (
        site.name, site.lon_deg, site.lat_deg, site.country, site.vehicle_classes, site.makes,
        site.equipment, site.access, site.opening_hours, site.absences, site.service_area,
        site.is_van, site.cases_per_day, site.hourly_rates, site.languages, site.networks,
        site.insurers, site.has_replacement_car
    ) is distinct from (
        excluded.name, excluded.lon_deg, excluded.lat_deg, excluded.country,
        excluded.vehicle_classes, excluded.makes, excluded.equipment, excluded.access,
        excluded.opening_hours, excluded.absences, excluded.service_area, excluded.is_van,
        excluded.cases_per_day, excluded.hourly_rates, excluded.languages, excluded.networks,
        excluded.insurers, excluded.has_replacement_car
    )
returning xmax = 0 as is_new

-- name: update_bars
update site
set bar = given.bar, known_from = $3
from unnest($1::text[], $2::text[]) as given (site_id, bar)
where site.site_id = given.site_id and site.bar <> given.bar
returning site.site_id

-- name: update_outcomes
update site
set outcomes = given.outcomes, known_from = $3
from unnest($1::text[], $2::text[]) as given (site_id, outcomes)
where site.site_id = given.site_id and site.outcomes <> given.outcomes
returning site.site_id

-- name: select_known_sites
select site_id from site where site_id = any($1::text[])

-- name: insert_people
insert into person (site_id, number, known_from)
select site_id, number, $3
from unnest($1::text[], $2::integer[]) as given (site_id, number)
on conflict do nothing

-- name: upsert_people
insert into person (
    site_id, number, employer, employed_from, employed_until, hours, absences, known_from
)
select site_id, number, employer, employed_from, employed_until, hours, absences, $8
from unnest(
    $1::text[], $2::integer[], $3::text[], $4::date[], $5::date[], $6::text[], $7::text[]
) as given (site_id, number, employer, employed_from, employed_until, hours, absences)
on conflict (site_id, number) do update set
    employer = excluded.employer,
    employed_from = excluded.employed_from,
    employed_until = excluded.employed_until,
    hours = excluded.hours,
    absences = excluded.absences,
    known_from = excluded.known_from
where
    (person.employer, person.employed_from, person.employed_until, person.hours, person.absences)
    is distinct from (
        excluded.employer, excluded.employed_from, excluded.employed_until, excluded.hours,
        excluded.absences
    )
returning xmax = 0 as is_new

-- name: upsert_credentials
insert into credential (
    site_id, person, scheme, title, valid_from, valid_until, evidence, is_revoked, revoked_on,
    is_suspended, employer, edition, scope, known_from
)
select *, $14
from unnest(
    $1::text[], $2::integer[], $3::text[], $4::text[], $5::date[], $6::date[], $7::text[],
    $8::boolean[], $9::date[], $10::boolean[], $11::text[], $12::text[], $13::text[]
)
on conflict (site_id, person, scheme, title, valid_from) do update set
    valid_until = excluded.valid_until,
    evidence = excluded.evidence,
    is_revoked = excluded.is_revoked,
    revoked_on = excluded.revoked_on,
    is_suspended = excluded.is_suspended,
    employer = excluded.employer,
    edition = excluded.edition,
    scope = excluded.scope,
    known_from = excluded.known_from
where
    (
        credential.valid_until, credential.evidence, credential.is_revoked, credential.revoked_on,
        credential.is_suspended, credential.employer, credential.edition, credential.scope
    ) is distinct from (
        excluded.valid_until, excluded.evidence, excluded.is_revoked, excluded.revoked_on,
        excluded.is_suspended, excluded.employer, excluded.edition, excluded.scope
    )
returning xmax = 0 as is_new

-- name: one_import_at_a_time
lock table directory_version in share row exclusive mode

-- name: insert_version
insert into directory_version (source, changed_at) values ($1, clock_timestamp()) returning version

-- name: delete_version
delete from directory_version where version = $1

-- name: select_version
select coalesce(max(version), 0) from directory_version

-- name: select_version_at
select coalesce(max(version), 0) from directory_version where changed_at <= $1

-- name: own_directory
select pg_advisory_xact_lock($1)

-- name: wake_cases_without_offers
insert into work (vehicle_id, due_at)
select vehicle_id, now()
from repair_case
where closed_at is null and not has_offers
order by vehicle_id
on conflict (vehicle_id) do update set
    revision = work.revision + 1,
    due_at = least(work.due_at, excluded.due_at)

-- name: notify_work
select pg_notify('rightbay_work', '')

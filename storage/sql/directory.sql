-- name: upsert_sites
insert into site (
    site_id, source, name, lon_deg, lat_deg, country, vehicle_classes, makes, equipment, access,
    opening_hours
)
select
    site_id, $2, name, lon_deg, lat_deg, country, vehicle_classes, makes, equipment, access,
    opening_hours
from jsonb_to_recordset($1::jsonb) as given (
    site_id text, name text, lon_deg double precision, lat_deg double precision, country text,
    vehicle_classes text[], makes text[], equipment text[], access text[], opening_hours text
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
    opening_hours = excluded.opening_hours
where
    (
        site.name, site.lon_deg, site.lat_deg, site.country, site.vehicle_classes, site.makes,
        site.equipment, site.access, site.opening_hours
    ) is distinct from (
        excluded.name, excluded.lon_deg, excluded.lat_deg, excluded.country,
        excluded.vehicle_classes, excluded.makes, excluded.equipment, excluded.access,
        excluded.opening_hours
    )
returning xmax = 0 as is_new

-- name: select_known_sites
select site_id from site where site_id = any($1::text[])

-- name: insert_people
insert into person (site_id, number)
select distinct site_id, person
from jsonb_to_recordset($1::jsonb) as given (site_id text, person integer)
order by site_id, person
on conflict do nothing

-- name: upsert_credentials
insert into credential (
    site_id, person, scheme, title, valid_from, valid_until, evidence, is_revoked
)
select site_id, person, scheme, title, valid_from, valid_until, evidence, is_revoked
from jsonb_to_recordset($1::jsonb) as given (
    site_id text, person integer, scheme text, title text, valid_from date, valid_until date,
    evidence text, is_revoked boolean
)
order by site_id, person, scheme, title, valid_from
on conflict (site_id, person, scheme, title, valid_from) do update set
    valid_until = excluded.valid_until,
    evidence = excluded.evidence,
    is_revoked = excluded.is_revoked
where
    (credential.valid_until, credential.evidence, credential.is_revoked)
    is distinct from (excluded.valid_until, excluded.evidence, excluded.is_revoked)
returning xmax = 0 as is_new

-- name: insert_version
insert into directory_version (source) values ($1) returning version

-- name: select_version
select coalesce(max(version), 0) from directory_version

-- name: select_sites
select
    site_id, name, lon_deg, lat_deg, country, vehicle_classes, makes, equipment, access,
    opening_hours
from site
order by site_id

-- name: select_people
select site_id, number from person order by site_id, number

-- name: select_credentials
select site_id, person, scheme, title, valid_from, valid_until, evidence, is_revoked
from credential
order by site_id, person, scheme, title, valid_from

-- name: select_site_at
select
    site_id, lon_deg, lat_deg, country, is_van, name, array_to_string(vehicle_classes, ';'),
    array_to_string(makes, ';'), array_to_string(equipment, ';'), array_to_string(access, ';'),
    opening_hours, absences, service_area, cases_per_day, hourly_rates,
    array_to_string(languages, ';'), array_to_string(networks, ';'),
    array_to_string(insurers, ';'), has_replacement_car, bar, outcomes
from (
    select * from site where known_from <= $1
    union all
    select was.*
    from superseded
    cross join jsonb_populate_record(null::site, content) as was
    where kind = 'site' and superseded.known_from <= $1 and $1 < superseded.known_until
) as known

-- name: select_person_at
select
    site_id, number, employer, employed_from, employed_until, hours, absences
from (
    select * from person where known_from <= $1
    union all
    select was.*
    from superseded
    cross join jsonb_populate_record(null::person, content) as was
    where kind = 'person' and superseded.known_from <= $1 and $1 < superseded.known_until
) as known

-- name: select_credential_at
select
    site_id, person, valid_from, valid_until, scheme, title, evidence, is_revoked, revoked_on,
    is_suspended, employer, edition, scope
from (
    select * from credential where known_from <= $1
    union all
    select was.*
    from superseded
    cross join jsonb_populate_record(null::credential, content) as was
    where kind = 'credential' and superseded.known_from <= $1 and $1 < superseded.known_until
) as known

-- name: select_site_of
select
    site_id, lon_deg, lat_deg, country, is_van, name, array_to_string(vehicle_classes, ';'),
    array_to_string(makes, ';'), array_to_string(equipment, ';'), array_to_string(access, ';'),
    opening_hours, absences, service_area, cases_per_day, hourly_rates,
    array_to_string(languages, ';'), array_to_string(networks, ';'),
    array_to_string(insurers, ';'), has_replacement_car, bar, outcomes
from site
where site_id = any($1::text[])

-- name: select_person_of
select
    site_id, number, employer, employed_from, employed_until, hours, absences
from person
where site_id = any($1::text[])

-- name: select_credential_of
select
    site_id, person, valid_from, valid_until, scheme, title, evidence, is_revoked, revoked_on,
    is_suspended, employer, edition, scope
from credential
where site_id = any($1::text[])

-- name: select_changed_since
select site_id from site where known_from > $1
union
select site_id from person where known_from > $1
union
select site_id from credential where known_from > $1
union
select content ->> 'site_id' from superseded where known_until > $1

-- name: select_site
select
    hashtextextended(site_id, 0),
    site_id, name, lon_deg, lat_deg, country, array_to_string(vehicle_classes, ';'),
    array_to_string(makes, ';'), array_to_string(equipment, ';'), array_to_string(access, ';'),
    opening_hours, absences, service_area, is_van, cases_per_day, hourly_rates,
    array_to_string(languages, ';'), array_to_string(networks, ';'),
    array_to_string(insurers, ';'), has_replacement_car, bar, outcomes
from site

-- name: select_names
select scheme, title from credential group by scheme, title
order by scheme collate "C", title collate "C"

-- name: select_number_max
select coalesce(max(number), 0) from person

-- name: select_plain_credential
select
    hashtextextended(site_id, 0),
    person::bigint,
    ((number - 1) << 46)
    | ((valid_from - date '0001-01-01' + 1)::bigint << 24)
    | (coalesce(valid_until - date '0001-01-01' + 1, 0)::bigint << 2)
    | (array_position(
        '{declared,document_seen,register_checked,verified}'::text[], evidence
    ) - 1)
from credential
inner join unnest($1::text[], $2::text[]) with ordinality as named (scheme, title, number)
    using (scheme, title)
where
    not is_revoked and revoked_on is null and not is_suspended and employer = '' and edition = ''
    and scope = '' and isfinite(valid_from) and isfinite(valid_until) is not false

-- name: select_odd_credential
select
    hashtextextended(site_id, 0), person, scheme, title, valid_from, valid_until, evidence,
    is_revoked, revoked_on, is_suspended, employer, edition, scope
from credential
where
    is_revoked or revoked_on is not null or is_suspended or employer <> '' or edition <> ''
    or scope <> '' or not isfinite(valid_from) or isfinite(valid_until) is false

-- name: select_plain_person
select hashtextextended(site_id, 0), number::bigint
from person
where
    employer = '' and employed_from is null and employed_until is null and hours is null
    and absences = ''

-- name: select_odd_person
select
    hashtextextended(site_id, 0), number, employer, employed_from, employed_until, hours, absences
from person
where
    employer <> '' or employed_from is not null or employed_until is not null
    or hours is not null or absences <> ''

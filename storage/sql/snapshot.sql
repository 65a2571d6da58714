-- part: site_columns
site_id, lon_deg, lat_deg, country, is_van, name, array_to_string(vehicle_classes, ';'),
    array_to_string(makes, ';'), array_to_string(equipment, ';'), array_to_string(access, ';'),
    opening_hours, absences, service_area, cases_per_day, hourly_rates,
    array_to_string(languages, ';'), array_to_string(networks, ';'),
    array_to_string(insurers, ';'), has_replacement_car, bar, outcomes

-- part: site
hashtextextended(site_id, 0)

-- part: person_kind_columns
employer, employed_from, employed_until, hours, absences

-- part: person_columns
site_id, number, {person_kind_columns}

-- part: person_kind
case
        when
            employer = '' and employed_from is null and employed_until is null and hours is null
            and absences = ''
            then 0
        else hashtextextended(jsonb_build_array({person_kind_columns})::text, 0)
    end

-- part: title_rest_columns
is_revoked, revoked_on, is_suspended, employer, edition, scope

-- part: title_columns
site_id, person, valid_from, valid_until, scheme, title, evidence, {title_rest_columns}

-- part: title_kind
hashtextextended(evidence, hashtextextended(title, hashtextextended(scheme, case
        when
            not is_revoked and revoked_on is null and not is_suspended and employer = ''
            and edition = '' and scope = ''
            then 0
        else hashtextextended(jsonb_build_array({title_rest_columns})::text, 0)
    end)))

-- name: select_site
select {site}, {site_columns} from site

-- name: select_person_kinds
select {person_kind}, {person_kind_columns} from person group by {person_kind_columns}

-- name: select_person
select {site}, number, {person_kind} from person

-- name: select_title_kinds
select {title_kind}, scheme, title, evidence, {title_rest_columns}
from credential
group by scheme, title, evidence, {title_rest_columns}

-- name: select_title
select {site}, person, {title_kind}, valid_from, coalesce(valid_until, date '4714-11-24 BC')
from credential

-- name: select_site_at
select {site_columns}
from (
    select * from site where known_from <= $1
    union all
    select was.*
    from superseded
    cross join jsonb_populate_record(null::site, content) as was
    where kind = 'site' and superseded.known_from <= $1 and $1 < superseded.known_until
) as known

-- name: select_person_at
select {person_columns}
from (
    select * from person where known_from <= $1
    union all
    select was.*
    from superseded
    cross join jsonb_populate_record(null::person, content) as was
    where kind = 'person' and superseded.known_from <= $1 and $1 < superseded.known_until
) as known

-- name: select_credential_at
select {title_columns}
from (
    select * from credential where known_from <= $1
    union all
    select was.*
    from superseded
    cross join jsonb_populate_record(null::credential, content) as was
    where kind = 'credential' and superseded.known_from <= $1 and $1 < superseded.known_until
) as known

-- name: select_site_of
select {site_columns} from site where site_id = any($1::text[])

-- name: select_person_of
select {person_columns} from person where site_id = any($1::text[])

-- name: select_credential_of
select {title_columns} from credential where site_id = any($1::text[])

-- name: select_changed_since
select site_id from site where known_from > $1
union
select site_id from person where known_from > $1
union
select site_id from credential where known_from > $1
union
select content ->> 'site_id' from superseded where known_until > $1

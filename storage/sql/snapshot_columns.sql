-- name: select_site
select
    hashtextextended(site_id, 0),
    site_id, lon_deg, lat_deg, country, is_van, name, array_to_string(vehicle_classes, ';'),
    array_to_string(makes, ';'), array_to_string(equipment, ';'), array_to_string(access, ';'),
    opening_hours, absences, service_area, cases_per_day, hourly_rates,
    array_to_string(languages, ';'), array_to_string(networks, ';'),
    array_to_string(insurers, ';'), has_replacement_car, bar, outcomes
from site

-- name: select_person_kinds
select
    case
        when
            employer = '' and employed_from is null and employed_until is null and hours is null
            and absences = ''
            then 0
        else hashtextextended(
            jsonb_build_array(employer, employed_from, employed_until, hours, absences)::text, 0
        )
    end,
    employer, employed_from, employed_until, hours, absences
from person
group by employer, employed_from, employed_until, hours, absences

-- name: select_person
select
    hashtextextended(site_id, 0), number,
    case
        when
            employer = '' and employed_from is null and employed_until is null and hours is null
            and absences = ''
            then 0
        else hashtextextended(
            jsonb_build_array(employer, employed_from, employed_until, hours, absences)::text, 0
        )
    end
from person

-- name: select_title_kinds
select
    hashtextextended(evidence, hashtextextended(title, hashtextextended(scheme, case
        when
            not is_revoked and revoked_on is null and not is_suspended and employer = ''
            and edition = '' and scope = ''
            then 0
        else hashtextextended(
            jsonb_build_array(
                is_revoked, revoked_on, is_suspended, employer, edition, scope
            )::text, 0
        )
    end))),
    scheme, title, evidence, is_revoked, revoked_on, is_suspended, employer, edition, scope
from credential
group by scheme, title, evidence, is_revoked, revoked_on, is_suspended, employer, edition, scope

-- name: select_title
select
    hashtextextended(site_id, 0), person,
    hashtextextended(evidence, hashtextextended(title, hashtextextended(scheme, case
        when
            not is_revoked and revoked_on is null and not is_suspended and employer = ''
            and edition = '' and scope = ''
            then 0
        else hashtextextended(
            jsonb_build_array(
                is_revoked, revoked_on, is_suspended, employer, edition, scope
            )::text, 0
        )
    end))),
    valid_from, coalesce(valid_until, date '4714-11-24 BC')
from credential

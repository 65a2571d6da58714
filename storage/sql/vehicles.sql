-- name: upsert_vehicles
insert into vehicle (
    vehicle_id, unit, vin, make, model, model_year, powertrain, vehicle_class, fleet, principal,
    warranty_until, lang, is_registered
)
select
    vehicle_id, unit, vin, make, model, model_year, powertrain, vehicle_class, fleet, principal,
    warranty_until, lang, true
from jsonb_to_recordset($1::jsonb) as given (
    vehicle_id uuid, unit text, vin text, make text, model text, model_year smallint,
    powertrain text, vehicle_class text, fleet text, principal text, warranty_until date,
    lang text
)
order by vehicle_id
on conflict (unit) do update set
    vin = excluded.vin,
    make = excluded.make,
    model = excluded.model,
    model_year = excluded.model_year,
    powertrain = excluded.powertrain,
    vehicle_class = excluded.vehicle_class,
    fleet = excluded.fleet,
    principal = excluded.principal,
    warranty_until = excluded.warranty_until,
    lang = excluded.lang,
    is_registered = true
where
    (
        vehicle.vin, vehicle.make, vehicle.model, vehicle.model_year, vehicle.powertrain,
        vehicle.vehicle_class, vehicle.fleet, vehicle.principal, vehicle.warranty_until,
        vehicle.lang, vehicle.is_registered
    ) is distinct from (
        excluded.vin, excluded.make, excluded.model, excluded.model_year, excluded.powertrain,
        excluded.vehicle_class, excluded.fleet, excluded.principal, excluded.warranty_until,
        excluded.lang, true
    )
returning vehicle_id, xmax = 0 as is_new

-- name: wake_open_cases
insert into work (vehicle_id, due_at)
select vehicle_id, $2
from repair_case
where vehicle_id = any($1::uuid[]) and closed_at is null
order by vehicle_id
on conflict (vehicle_id) do update set
    revision = work.revision + 1,
    due_at = least(work.due_at, excluded.due_at)

-- name: select_kinds
select unit, make, model
from vehicle
where lower(make) = any($1::text[])
order by unit
limit $2

-- name: find_registered
select unit from vehicle where unit = any($1::text[]) and is_registered

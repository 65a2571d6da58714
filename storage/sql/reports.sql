-- name: insert_events
insert into event (unit, event_id, digest, received_at)
select * from unnest($1::text[], $2::text[], $3::bytea[], $4::timestamptz[])
on conflict do nothing
returning
    unit, event_id,
    (select true from vehicle where vehicle.unit = event.unit) is not null as is_unit_known

-- name: select_digests
select unit, event_id, digest
from event
join unnest($1::text[], $2::text[]) as wanted (unit, event_id) using (unit, event_id)

-- name: insert_vehicles
insert into vehicle (vehicle_id, unit)
select * from unnest($1::uuid[], $2::text[])
on conflict (unit) do nothing

-- name: lock_vehicles
select
    vehicle_id, clock_error_s, clock_lag_s, clock_lag_since,
    standing, standing_at, standing_observed_at, standing_seq
from vehicle
where vehicle_id = any($1::uuid[])
order by vehicle_id
for no key update

-- name: update_vehicles
update vehicle
set
    clock_error_s = given.clock_error_s,
    clock_lag_s = given.clock_lag_s,
    clock_lag_since = given.clock_lag_since,
    standing = given.standing,
    standing_at = given.standing_at,
    standing_observed_at = given.standing_observed_at,
    standing_seq = given.standing_seq,
    lon_deg = coalesce(given.lon_deg, vehicle.lon_deg),
    lat_deg = coalesce(given.lat_deg, vehicle.lat_deg),
    -- Older ones say nothing of now.
    soc_pct = case when given.is_told then given.soc_pct else vehicle.soc_pct end,
    speed_kmh = case when given.is_told then given.speed_kmh else vehicle.speed_kmh end
from unnest(
    $1::uuid[], $2::double precision[], $3::double precision[], $4::timestamptz[], $5::bytea[],
    $6::timestamptz[], $7::timestamptz[], $8::bigint[], $9::boolean[], $10::double precision[],
    $11::double precision[], $12::double precision[], $13::double precision[]
) as given (
    vehicle_id, clock_error_s, clock_lag_s, clock_lag_since, standing, standing_at,
    standing_observed_at, standing_seq, is_told, lon_deg, lat_deg, soc_pct, speed_kmh
)
where vehicle.vehicle_id = given.vehicle_id

-- name: move_standings
update vehicle
set
    standing_at = given.standing_at,
    standing_observed_at = given.standing_observed_at,
    standing_seq = given.standing_seq
from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::bigint[]) as given (
    vehicle_id, standing_at, standing_observed_at, standing_seq
)
where vehicle.vehicle_id = given.vehicle_id

-- name: upsert_work
insert into work (vehicle_id, due_at)
select * from unnest($1::uuid[], $2::timestamptz[])
on conflict (vehicle_id) do update set
    revision = work.revision + 1,
    due_at = least(work.due_at, excluded.due_at)

-- name: notify_work
select pg_notify('rightbay_work', '')

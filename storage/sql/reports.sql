-- name: insert_events
insert into event (unit, event_id, digest, received_at)
select * from unnest($1::text[], $2::text[], $3::bytea[], $4::timestamptz[])
on conflict do nothing
returning unit, event_id

-- name: select_digests
select unit, event_id, digest
from event
join unnest($1::text[], $2::text[]) as wanted (unit, event_id) using (unit, event_id)

-- name: insert_vehicles
insert into vehicle (vehicle_id, unit)
select * from unnest($1::uuid[], $2::text[])
on conflict (unit) do nothing

-- name: lock_vehicles
select vehicle_id
from vehicle
where vehicle_id = any($1::uuid[])
order by vehicle_id
for no key update

-- name: insert_reports
insert into report (vehicle_id, event_id, received_at, unit_at, is_historical, payload)
select * from unnest(
    $1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::boolean[], $6::bytea[]
)

-- name: select_latest_episodes
select distinct on (e.vehicle_id, e.ecu, e.code)
    e.vehicle_id, e.ecu, e.code, e.ordinal, e.service, e.status, e.lamps, e.occurrence_count,
    e.is_uncertain, e.is_raised, e.first_seen_at, e.last_seen_at, e.off_at, e.odometer_km,
    c.closed_at is null as may_return
from episode as e
left join case_episode as ce using (vehicle_id, episode_id)
left join repair_case as c on c.vehicle_id = ce.vehicle_id and c.case_id = ce.case_id
where e.vehicle_id = any($1::uuid[])
order by e.vehicle_id, e.ecu, e.code, e.ordinal desc

-- name: upsert_episodes
insert into episode (
    vehicle_id, episode_id, ecu, code, ordinal, service, status, lamps, occurrence_count,
    is_uncertain, is_raised, first_seen_at, last_seen_at, off_at, odometer_km
)
select * from unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::text[],
    $8::jsonb[], $9::integer[], $10::boolean[], $11::boolean[], $12::timestamptz[],
    $13::timestamptz[], $14::timestamptz[], $15::double precision[]
)
on conflict (vehicle_id, episode_id) do update set
    service = excluded.service,
    status = excluded.status,
    lamps = excluded.lamps,
    occurrence_count = excluded.occurrence_count,
    is_raised = excluded.is_raised,
    last_seen_at = excluded.last_seen_at,
    off_at = excluded.off_at

-- name: insert_transitions
insert into transition (vehicle_id, episode_id, kind, at)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])

-- name: upsert_work
insert into work (vehicle_id, due_at)
select * from unnest($1::uuid[], $2::timestamptz[])
on conflict (vehicle_id) do update set
    revision = work.revision + 1,
    due_at = least(work.due_at, excluded.due_at)

-- name: update_positions
update vehicle
set lon_deg = given.lon_deg, lat_deg = given.lat_deg
from unnest($1::uuid[], $2::double precision[], $3::double precision[])
    as given (vehicle_id, lon_deg, lat_deg)
where vehicle.vehicle_id = given.vehicle_id

-- name: upsert_dead_letters
insert into dead_letter (
    digest, topic, unit, event_id, reason, text, raw, first_at, last_at
)
select digest, topic, unit, event_id, reason, text, raw, at, at
from unnest(
    $1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[],
    $8::timestamptz[]
) as given (digest, topic, unit, event_id, reason, text, raw, at)
on conflict (digest) do update set
    times = dead_letter.times + 1,
    last_at = greatest(dead_letter.last_at, excluded.last_at)

-- name: notify_work
select pg_notify('rightbay_work', '')

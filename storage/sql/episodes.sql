-- name: select_latest_episodes
select
    e.vehicle_id, e.ecu, e.code, e.ordinal, e.service, e.status, e.status_byte, e.lamps,
    e.occurrence_count, e.is_uncertain, e.is_raised, e.first_seen_at, e.last_seen_at, e.onset_at,
    e.observed_at, e.seq, e.confirmed_at, e.permanent_at, e.off_at, e.return_count, e.odometer_km,
    e.time_doubt, e.is_standing, c.closed_at is null as may_return
from episode as e
left join case_episode as ce using (vehicle_id, episode_id)
left join repair_case as c on c.vehicle_id = ce.vehicle_id and c.case_id = ce.case_id
where e.vehicle_id = any($1::uuid[]) and e.is_latest

-- name: retire_episodes
update episode
set is_latest = false
from unnest($1::uuid[], $2::text[], $3::text[]) as given (vehicle_id, ecu, code)
where
    episode.vehicle_id = any($1::uuid[])
    and episode.vehicle_id = given.vehicle_id
    and episode.ecu = given.ecu
    and episode.code = given.code
    and episode.is_latest

-- name: upsert_episodes
insert into episode (
    vehicle_id, episode_id, ecu, code, ordinal, service, status, status_byte, lamps,
    occurrence_count, is_uncertain, is_raised, first_seen_at, last_seen_at, onset_at, observed_at,
    seq, confirmed_at, permanent_at, off_at, return_count, odometer_km, time_doubt, is_latest,
    evidence, is_standing
)
select * from unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::text[],
    $8::smallint[], $9::jsonb[], $10::integer[], $11::boolean[], $12::boolean[],
    $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::bigint[],
    $18::timestamptz[], $19::timestamptz[], $20::timestamptz[], $21::integer[],
    $22::double precision[], $23::text[], $24::boolean[], $25::jsonb[], $26::boolean[]
)
on conflict (vehicle_id, episode_id) do update set
    service = excluded.service,
    status = excluded.status,
    status_byte = excluded.status_byte,
    lamps = excluded.lamps,
    occurrence_count = excluded.occurrence_count,
    is_raised = excluded.is_raised,
    last_seen_at = excluded.last_seen_at,
    onset_at = excluded.onset_at,
    observed_at = excluded.observed_at,
    seq = excluded.seq,
    confirmed_at = excluded.confirmed_at,
    permanent_at = excluded.permanent_at,
    off_at = excluded.off_at,
    return_count = excluded.return_count,
    is_latest = excluded.is_latest,
    -- What is known already is not read to be written again: details are laid over it.
    evidence = episode.evidence || excluded.evidence,
    is_standing = excluded.is_standing

-- name: insert_transitions
insert into transition (vehicle_id, episode_id, kind, at)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])

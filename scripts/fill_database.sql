-- Vehicles with ten faults each, five of them on, one case with one referral, and twenty messages.
-- $1 and $2: ids and units of the vehicles. All other ids are drawn from the vehicle's.

-- name: vehicles
insert into vehicle (vehicle_id, unit, clock_error_s)
select id, unit, 0 from unnest($1::uuid[], $2::text[]) as v (id, unit)

-- name: events
insert into event (unit, event_id, digest, received_at)
select unit, 'e' || k, '\x00', now() - k * interval '1 hour'
from unnest($1::uuid[], $2::text[]) with ordinality as v (id, unit, n)
cross join generate_series(1, 20) as k

-- name: reports
insert into report (vehicle_id, event_id, received_at, is_historical, payload)
select id, 'e' || k, now() - k * interval '1 hour', false, '\x7b7d'
from unnest($1::uuid[], $2::text[]) with ordinality as v (id, unit, n)
cross join generate_series(1, 20) as k

-- name: episodes
insert into episode (
    vehicle_id, episode_id, ecu, code, ordinal, service, status, lamps, is_uncertain, is_raised,
    first_seen_at, last_seen_at, onset_at, observed_at, off_at, is_latest
)
select
    id, md5('e' || id || '/' || k)::uuid, '7E8', 'P0' || (300 + k / 2),
    k % 2 + 1, '03', 'confirmed', '[]', false, true, now() - interval '1 day', now(),
    now() - interval '1 day', now(), case when k % 2 = 0 then now() - interval '1 hour' end,
    k % 2 = 1
from unnest($1::uuid[], $2::text[]) with ordinality as v (id, unit, n)
cross join generate_series(0, 9) as k

-- name: cases
insert into repair_case (vehicle_id, case_id, opened_at, has_offers)
select id, md5('c' || id)::uuid, now() - interval '1 day', n % 1000 <> 0
from unnest($1::uuid[], $2::text[]) with ordinality as v (id, unit, n)

-- name: case_episodes
insert into case_episode (vehicle_id, episode_id, case_id)
select id, md5('e' || id || '/' || k)::uuid, md5('c' || id)::uuid
from unnest($1::uuid[], $2::text[]) with ordinality as v (id, unit, n)
cross join generate_series(1, 9, 2) as k

-- name: referrals
insert into referral (
    vehicle_id, case_id, version, referral_id, decided_at, need_digest, urgency, is_unassigned,
    document
)
select
    id, md5('c' || id)::uuid, 1, md5('r' || id)::uuid, now() - interval '1 day',
    '\x00', 'soon', false, '\x7b7d'
from unnest($1::uuid[], $2::text[]) with ordinality as v (id, unit, n)

-- name: transitions
insert into transition (vehicle_id, episode_id, kind, at)
select id, md5('e' || id || '/' || k)::uuid, 'on', now() - k * interval '1 hour'
from unnest($1::uuid[], $2::text[]) with ordinality as v (id, unit, n)
cross join generate_series(0, 9) as k

-- name: work
insert into work (vehicle_id, due_at)
select id, now() + n * interval '1 second'
from unnest($1::uuid[], $2::text[]) with ordinality as v (id, unit, n)
where n % 10 = 0

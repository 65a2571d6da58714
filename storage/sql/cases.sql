-- name: claim_work
with due as (
    select vehicle_id
    from work
    where due_at <= $1 and (lease_until is null or lease_until <= $1)
    order by due_at
    limit $2
    for update skip locked
)
update work
set lease_token = $3, lease_until = $4
from due
where work.vehicle_id = due.vehicle_id
returning work.vehicle_id, work.revision

-- name: select_vehicles
select
    v.vehicle_id, v.unit, v.make, v.model_year, v.powertrain, v.vehicle_class, v.fleet,
    v.is_registered, v.lon_deg, v.lat_deg, v.soc_pct, v.speed_kmh,
    v.warranty_until, v.lang, p.rules
from vehicle as v
left join principal as p on p.name = v.principal and p.ended_at is null
where v.vehicle_id = any($1::uuid[])

-- name: select_cases
with wanted as (
    select vehicle_id, case_id, has_offers, closed_at, '{}'::uuid[] as closed_over
    from repair_case
    where vehicle_id = any($1::uuid[]) and closed_at is null
    union all
    select c.vehicle_id, c.case_id, c.has_offers, c.closed_at, array_agg(ce.episode_id)
    from episode as e
    join case_episode as ce using (vehicle_id, episode_id)
    join repair_case as c on c.vehicle_id = ce.vehicle_id and c.case_id = ce.case_id
    where
        e.vehicle_id = any($1::uuid[])
        and c.vehicle_id = any($1::uuid[])
        and e.off_at is null
        and e.is_raised
        and c.closed_at is not null
    group by c.vehicle_id, c.case_id
)
select distinct on (w.vehicle_id)
    w.vehicle_id, w.case_id, w.has_offers, r.version, r.need_digest, r.need, r.urgency,
    r.directory_version, r.is_unassigned, r.ruled, r.agreement, r.listed, w.closed_over
from wanted as w
join referral as r using (vehicle_id, case_id)
order by w.vehicle_id, w.closed_at desc nulls first, r.version desc

-- name: select_faults
with wanted as (
    select vehicle_id, episode_id
    from episode
    where vehicle_id = any($1::uuid[]) and off_at is null and is_raised
    union
    select ce.vehicle_id, ce.episode_id
    from repair_case as c
    join case_episode as ce using (vehicle_id, case_id)
    where c.vehicle_id = any($1::uuid[]) and c.closed_at is null
)
select
    e.vehicle_id, e.episode_id, e.code, e.ecu, e.status, e.lamps, e.off_at, e.onset_at,
    past.case_id as past_case_id, past.closed_at as past_closed_at
from wanted
join episode as e using (vehicle_id, episode_id)
left join lateral (
    select c.case_id, c.closed_at
    from episode as before
    join case_episode as ce using (vehicle_id, episode_id)
    join repair_case as c on c.vehicle_id = ce.vehicle_id and c.case_id = ce.case_id
    where
        before.vehicle_id = e.vehicle_id
        and before.ecu = e.ecu
        and before.code = e.code
        and before.ordinal < e.ordinal
        and c.closed_at is not null
    order by before.ordinal desc
    limit 1
) as past on e.ordinal > 1
order by e.vehicle_id, e.first_seen_at, e.episode_id

-- name: lock_vehicle
select exists (select from set_aside where vehicle_id = $1 and ended_at is null)
from vehicle
where vehicle_id = $1
for no key update

-- name: finish_work
delete from work
where vehicle_id = $1 and lease_token = $2 and revision = $3
returning vehicle_id

-- name: release_work
update work
set lease_token = null, lease_until = null, due_at = $4
where vehicle_id = $1 and lease_token = $2 and revision = $3
returning vehicle_id

-- name: give_back
update work
set lease_token = null, lease_until = null
where vehicle_id = $1 and lease_token = $2

-- name: insert_case
insert into repair_case (vehicle_id, case_id, opened_at, came_back_from)
values ($1, $2, $3, $4)
on conflict (vehicle_id, case_id) do update set closed_at = null
where repair_case.closed_at is not null

-- name: insert_case_episodes
insert into case_episode (vehicle_id, case_id, episode_id)
select $1, $2, episode_id from unnest($3::uuid[]) as given (episode_id)
on conflict (vehicle_id, episode_id) do nothing

-- name: close_case
update repair_case
set closed_at = $2
where vehicle_id = $1 and closed_at is null

-- name: set_aside
insert into set_aside (vehicle_id, episode_id, reason, detail, since)
select $1, episode_id, reason, detail, $5
from unnest($2::uuid[], $3::text[], $4::text[]) as given (episode_id, reason, detail)
on conflict (vehicle_id, episode_id) do update set
    reason = excluded.reason,
    detail = excluded.detail,
    since = case
        when set_aside.ended_at is null and set_aside.reason = excluded.reason
            then set_aside.since
        else excluded.since
    end,
    ended_at = null

-- name: end_set_aside
update set_aside
set ended_at = $3
where vehicle_id = $1 and episode_id <> all($2::uuid[]) and ended_at is null

-- name: insert_referral
with noted as (
    update repair_case
    set has_offers = $11::integer is distinct from 0
    where
        vehicle_id = $1
        and case_id = $2
        and has_offers <> ($11::integer is distinct from 0)
)
insert into referral (
    vehicle_id, case_id, version, referral_id, decided_at, need_digest, urgency, is_unassigned,
    document, need, offer_count, directory_version, ruled, agreement, listed
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12, $13::jsonb, $14, $15)

-- name: share_directory
select pg_advisory_xact_lock_shared($1)

-- name: wake_if_directory_changed
insert into work (vehicle_id, due_at)
select $1, $3
where (select coalesce(max(version), 0)::text from directory_version) <> $2
on conflict (vehicle_id) do update set
    revision = work.revision + 1,
    due_at = least(work.due_at, excluded.due_at)

-- name: insert_outbox
insert into outbox (delivery_id, vehicle_id, unit, payload, due_at)
select $1, vehicle_id, unit, $3, $4
from vehicle
where vehicle_id = $2

-- name: insert_log_pending
insert into log_pending (entry_id, body, created_at)
values ($1, $2, $3)

-- name: notify_outbox
select pg_notify('rightbay_outbox', '')

-- name: select_document
select document from referral where referral_id = $1

-- name: list_referrals
select referral_id, case_id, vehicle_id, version, decided_at, urgency, is_unassigned
from referral
where $1::timestamptz is null or (decided_at, referral_id) < ($1, $2::uuid)
order by decided_at desc, referral_id desc
limit $3

-- name: list_cases
select
    c.case_id, c.vehicle_id, c.opened_at, c.closed_at,
    r.referral_id, r.version, r.decided_at, r.urgency, r.is_unassigned
from repair_case as c
cross join lateral (
    select referral_id, version, decided_at, urgency, is_unassigned
    from referral
    where vehicle_id = c.vehicle_id and case_id = c.case_id
    order by version desc
    limit 1
) as r
where
    ($1::timestamptz is null or (c.opened_at, c.case_id) < ($1, $2::uuid))
    and ($3::boolean is null or (c.closed_at is null) = $3)
    and ($4::boolean is null or r.is_unassigned = $4)
order by c.opened_at desc, c.case_id desc
limit $5

-- name: select_case
select case_id, vehicle_id, opened_at, closed_at from repair_case where case_id = $1

-- name: select_case_referrals
select referral_id, case_id, vehicle_id, version, decided_at, urgency, is_unassigned
from referral
where vehicle_id = $1 and case_id = $2
order by version desc

-- name: select_case_faults
select
    e.*, ce.case_id,
    case when e.is_standing then v.standing_at else e.last_seen_at end as seen_at
from case_episode as ce
join episode as e using (vehicle_id, episode_id)
join vehicle as v using (vehicle_id)
where ce.vehicle_id = $1 and ce.case_id = $2
order by e.first_seen_at desc, e.episode_id desc

-- name: list_faults
select
    e.*, ce.case_id,
    case when e.is_standing then v.standing_at else e.last_seen_at end as seen_at
from episode as e
join vehicle as v using (vehicle_id)
left join case_episode as ce using (vehicle_id, episode_id)
where
    e.vehicle_id = $1
    and ($2::timestamptz is null or (e.first_seen_at, e.episode_id) < ($2, $3::uuid))
    and ($4::boolean is null or (e.off_at is null) = $4)
order by e.first_seen_at desc, e.episode_id desc
limit $5

-- name: is_vehicle
select exists (select from vehicle where vehicle_id = $1)

-- name: select_vehicle_of_unit
select
    vehicle_id, unit, make, model, model_year, powertrain, vehicle_class, fleet, is_registered
from vehicle
where unit = $1

-- name: count_dead_letters
select
    reason, count(*) as letters, sum(times)::bigint as times,
    min(first_at) as first_at, max(last_at) as last_at
from dead_letter
group by reason
order by reason

-- name: has_migrations
select to_regclass('migration') is not null

-- name: select_migrations
select number, digest from migration

-- name: select_oldest
select
    (select min(due_at) from work) as work_due_at,
    (select min(created_at) from outbox where delivered_at is null) as push_written_at,
    (select min(created_at) from log_pending) as entry_recorded_at

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
    vehicle_id, make, model_year, powertrain, vehicle_class, is_registered, lon_deg, lat_deg
from vehicle
where vehicle_id = any($1::uuid[])

-- name: select_open_cases
select c.vehicle_id, c.case_id, r.version, r.need_digest, r.urgency
from repair_case as c
join referral as r using (vehicle_id, case_id)
where c.vehicle_id = any($1::uuid[]) and c.closed_at is null
order by c.vehicle_id, r.version

-- name: select_faults
select e.vehicle_id, e.episode_id, e.code, e.ecu, e.status, e.lamps, e.off_at
from episode as e
left join case_episode as ce using (vehicle_id, episode_id)
left join repair_case as c on c.vehicle_id = ce.vehicle_id and c.case_id = ce.case_id
where
    e.vehicle_id = any($1::uuid[])
    and e.is_raised
    and (e.off_at is null or c.closed_at is null and c.case_id is not null)
order by e.vehicle_id, e.first_seen_at, e.episode_id

-- name: lock_vehicle
select 1 from vehicle where vehicle_id = $1 for no key update

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
insert into repair_case (vehicle_id, case_id, opened_at)
values ($1, $2, $3)
on conflict (vehicle_id, case_id) do nothing

-- name: insert_case_episodes
insert into case_episode (vehicle_id, case_id, episode_id)
select $1, $2, episode_id from unnest($3::uuid[]) as given (episode_id)
on conflict (vehicle_id, episode_id) do nothing

-- name: close_case
update repair_case
set closed_at = $2
where vehicle_id = $1 and closed_at is null

-- name: insert_referral
insert into referral (
    vehicle_id, case_id, version, referral_id, decided_at, need_digest, urgency, is_unassigned,
    document
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

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

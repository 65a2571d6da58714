-- name: lock_principals
select pg_advisory_xact_lock($1)

-- name: select_versions
select version, digest
from principal
where name = $1

-- name: end_principal
update principal
set ended_at = $2
where name = $1 and ended_at is null

-- name: insert_principal
insert into principal (name, version, rules, digest, stored_at)
values ($1, $2, $3::jsonb, $4, $5)

-- name: wake_vehicles
insert into work (vehicle_id, due_at)
select v.vehicle_id, $2
from vehicle as v
where
    v.principal = $1
    and (
        exists (
            select from repair_case as c
            where c.vehicle_id = v.vehicle_id and c.closed_at is null
        )
        or exists (select from work as w where w.vehicle_id = v.vehicle_id)
    )
order by v.vehicle_id
on conflict (vehicle_id) do update set
    revision = work.revision + 1,
    due_at = least(work.due_at, excluded.due_at)

-- name: notify_work
select pg_notify('rightbay_work', '')

-- name: list_principals
select name, version, digest, stored_at, ended_at
from principal
order by name, stored_at

-- name: find_principals
select name from principal where name = any($1::text[]) and ended_at is null

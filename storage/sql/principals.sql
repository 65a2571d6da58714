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

-- name: list_principals
select name, version, digest, stored_at, ended_at
from principal
order by name, stored_at

-- name: find_principals
select name from principal where name = any($1::text[]) and ended_at is null

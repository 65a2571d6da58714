-- name: lock
select pg_advisory_xact_lock($1)

-- name: find_current_list
select list_id, version, digest, entry_count from code_list where name = $1 and ended_at is null

-- name: count_current_lists
select count(*) from code_list where ended_at is null

-- name: insert_list
insert into code_list (name, version, source, digest, entry_count, imported_at, imported_by)
select $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5, $6 from code_list where name = $1
returning list_id, version

-- name: insert_entries
insert into code_list_entry (list_id, code, make, text, urgency)
select $1, code, make, text, urgency
from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as given (code, make, text, urgency)

-- name: compare_lists
select
    count(*) filter (where old.code is null) as added,
    count(*) filter (where new.code is null) as removed,
    count(*) filter (
        where (old.text, old.urgency) is distinct from (new.text, new.urgency)
        and old.code is not null and new.code is not null
    ) as changed
from (select * from code_list_entry where list_id = $1) as old
full join (select * from code_list_entry where list_id = $2) as new using (code, make)

-- name: end_list
update code_list set ended_at = $2, ended_by = $3
where name = $1 and ended_at is null
returning version

-- name: select_lists
select name, version, source, entry_count, imported_at, imported_by, ended_at, ended_by
from code_list
where $1 or ended_at is null
order by name, version

-- name: select_entries
select list.name, list.version, entry.code, entry.make, entry.text, entry.urgency
from code_list as list
join code_list_entry as entry using (list_id)
where list.ended_at is null
order by list.list_id desc, entry.code, entry.make

-- name: insert_rule
insert into own_rule (effect, pattern, make, fleet, urgency, text, because, made_by, made_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
returning rule_id

-- name: count_current_rules
select count(*) from own_rule where ended_at is null

-- name: end_rule
update own_rule set ended_at = $2, ended_by = $3
where rule_id = $1 and ended_at is null
returning fleet

-- name: select_rules
select
    rule_id, effect, pattern, make, fleet, urgency, text, because, made_by, made_at, ended_by,
    ended_at
from own_rule
where $1 or ended_at is null
order by rule_id

-- name: insert_version
insert into knowledge_version (source) values ($1) returning version

-- name: select_version
select coalesce(max(version), 0) from knowledge_version

-- name: wake_cases
insert into work (vehicle_id, due_at)
select vehicle_id, $1
from (
    select vehicle_id from repair_case where closed_at is null
    union
    select vehicle_id from set_aside where ended_at is null
) as reached
join vehicle using (vehicle_id)
where $2 = '' or vehicle.fleet = $2
order by vehicle_id
on conflict (vehicle_id) do update set
    revision = work.revision + 1,
    due_at = least(work.due_at, excluded.due_at)

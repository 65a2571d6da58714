-- name: lock_head
select size, frontier, root from log_head for update

-- name: select_head
select size, frontier, root from log_head

-- name: take_pending
with taken as (
    select entry_id from log_pending order by created_at, entry_id limit $1
)
delete from log_pending
using taken
where log_pending.entry_id = taken.entry_id
returning log_pending.entry_id, log_pending.body, log_pending.created_at

-- name: select_bodies
select entry_id, body from log_entry where entry_id = any($1::uuid[])

-- name: insert_entries
insert into log_entry (log_index, entry_id, leaf_hash, kept, body)
select * from unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[])

-- name: update_head
update log_head set size = $1, frontier = $2, root = $3

-- name: select_entry
select log_index, body from log_entry where entry_id = $1

-- name: is_pending
select exists (select from log_pending where entry_id = $1)

-- name: select_nodes
select log_index, leaf_hash, kept from log_entry where log_index = any($1::bigint[])

-- name: select_records
select
    e.log_index, e.entry_id, e.leaf_hash, e.kept, e.body,
    r.case_id, r.version, r.decided_at, r.document,
    v.kind as registered_kind, v.at as registered_at, v.document as registered_document,
    s.kind as stated_kind, s.at as stated_at, s.document as stated_document
from log_entry as e
left join referral as r on r.referral_id = e.entry_id
left join register_event as v on v.event_id = e.entry_id
left join stated as s on s.event_id = e.entry_id
where e.log_index > $1
order by e.log_index
limit $2

-- name: select_unlogged
select noun, id
from (
    select 'referral' as noun, referral_id as id from referral
    union all
    select 'event' as noun, event_id as id from register_event
    union all
    select 'statement' as noun, event_id as id from stated
) as r
where
    not exists (select from log_entry as e where e.entry_id = r.id)
    and not exists (select from log_pending as p where p.entry_id = r.id)
limit 1

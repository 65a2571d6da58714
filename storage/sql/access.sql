-- name: insert_key
insert into access_key (key_id, digest, role, business_id, note, issued_at)
values ($1, $2, $3, $4, $5, $6)

-- name: select_caller
select key_id, role, business_id from access_key where digest = $1 and revoked_at is null

-- name: lock_business
select state from business where business_id = $1 for update

-- name: count_keys
select count(*) from access_key where business_id is not distinct from $1 and revoked_at is null

-- name: select_keys
select key_id, role, business_id, note, issued_at, revoked_at
from access_key
order by issued_at desc, key_id
limit $1

-- name: revoke_key
update access_key set revoked_at = coalesce(revoked_at, $2) where key_id = $1 returning key_id

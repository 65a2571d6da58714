-- name: count_alive
select count(*) from measure where business_id = $1 and ended_at is null

-- name: insert_measure
insert into measure (
    measure_id, business_id, site_id, kind, cause, reason, basis, noticed_at, effective_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: update_measure
update measure
set reply = $2, replied_at = $3, upheld_at = $4, ended_at = $5, ruling = $6
where measure_id = $1

-- name: select_measure
select * from measure where business_id = $1 and measure_id = $2

-- name: list_measures
select * from measure where business_id = $1 order by noticed_at desc, measure_id limit $2

-- name: list_alive
select * from measure where business_id = $1 and ended_at is null

-- name: select_sites
select site_id from business_site where business_id = $1 order by site_id

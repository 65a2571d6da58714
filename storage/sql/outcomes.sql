-- name: lock_case
select vehicle_id from repair_case where case_id = $1 for no key update

-- name: is_referred
select exists (
    select from referral
    where
        vehicle_id = $1
        and case_id = $2
        and (
            convert_from(document, 'UTF8')::jsonb -> 'offers' @> $3::jsonb
            or convert_from(document, 'UTF8')::jsonb -> 'free_choice' @> $3::jsonb
        )
)

-- name: find_repair
select r.case_id, r.site_id, r.basis, r.attested_by, r.attested_at, r.outcome, c.closed_at
from repair as r
join repair_case as c using (vehicle_id, case_id)
where c.case_id = $1

-- name: insert_repair
insert into repair (vehicle_id, case_id, site_id, basis, attested_by, attested_at)
values ($1, $2, $3, $4, $5, $6)

-- name: delete_repair
delete from repair where vehicle_id = $1 and case_id = $2

-- name: settle_came_back
update repair as r
set outcome = 'came_back', settled_at = $1
where
    r.outcome is null
    and exists (
        select from repair_case as later
        where later.vehicle_id = r.vehicle_id and later.came_back_from = r.case_id
    )

-- name: settle_held
update repair as r
set outcome = 'held', settled_at = $1
from repair_case as c
where
    r.outcome is null
    and c.vehicle_id = r.vehicle_id
    and c.case_id = r.case_id
    and c.closed_at <= $1::timestamptz - $2::interval
    and not exists (
        select from case_episode as ce
        join episode as e using (vehicle_id, episode_id)
        where ce.vehicle_id = r.vehicle_id and ce.case_id = r.case_id and e.off_at is null
    )
    and exists (
        select from report
        where
            report.vehicle_id = r.vehicle_id
            and report.received_at between c.closed_at + $2::interval and $1
    )

-- name: count_outcomes
with reached as (
    select site_id from repair where outcome is not null
    union
    select site_id from site where outcomes <> ''
)
select
    s.site_id,
    s.outcomes,
    count(*) filter (where r.outcome = 'held') as held,
    count(*) filter (where r.outcome = 'came_back') as came_back
from reached
join site as s using (site_id)
left join repair as r on r.site_id = s.site_id and r.outcome is not null
group by s.site_id

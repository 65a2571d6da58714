-- name: select_occurred
select c.case_id, r.document, v.lon_deg, v.lat_deg, v.is_registered
from repair_case as c
join vehicle as v using (vehicle_id)
cross join lateral (
    select document
    from referral
    where vehicle_id = c.vehicle_id and case_id = c.case_id
    order by version desc
    limit 1
) as r
where c.opened_at >= $1 and c.opened_at < $2 and v.lat_deg between $3 and $4
order by c.opened_at desc, c.case_id
limit $5

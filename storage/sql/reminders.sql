-- name: select_ending
select s.site_id
from business_site as s
where
    s.site_id > $1
    and (
        exists (
            select from credential as c
            where c.site_id = s.site_id and c.valid_until between $2 and $3
        )
        or exists (
            select from credential as c
            where c.site_id = s.site_id and c.revoked_on between $2 and $3
        )
        or exists (
            select from person as p
            where p.site_id = s.site_id and p.employed_until between $2 and $3
        )
    )
order by s.site_id
limit $4

-- name: insert_reminders
insert into reminder (site_id, person, scheme, title, ends, ahead_days, lost, made_at)
select site_id, person, scheme, title, ends, ahead_days, array_remove(string_to_array(lost, ';'), ''), $8
from unnest(
    $1::text[], $2::integer[], $3::text[], $4::text[], $5::date[], $6::integer[], $7::text[]
) as given (site_id, person, scheme, title, ends, ahead_days, lost)
on conflict do nothing
returning site_id

-- name: list_of_business
select r.*, s.business_id, b.contact
from reminder as r
join business_site as s using (site_id)
join business as b using (business_id)
where s.business_id = $1
order by r.made_at desc, r.ends, r.site_id, r.person, r.scheme, r.title
limit $2

-- name: list_untold
select r.*, s.business_id, b.contact
from reminder as r
join business_site as s using (site_id)
join business as b using (business_id)
where r.told_at is null
order by s.business_id, r.ends, r.site_id, r.person, r.scheme, r.title
limit $1

-- name: mark_told
update reminder as r
set told_at = $7
from unnest(
    $1::text[], $2::integer[], $3::text[], $4::text[], $5::date[], $6::integer[]
) as told (site_id, person, scheme, title, ends, ahead_days)
where
    (r.site_id, r.person, r.scheme, r.title, r.ends, r.ahead_days)
    = (told.site_id, told.person, told.scheme, told.title, told.ends, told.ahead_days)
    and r.told_at is null

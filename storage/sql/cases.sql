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

-- name: select_claimed
with latest_case as (
    select distinct on (w.vehicle_id)
        w.vehicle_id, w.case_id, w.has_offers, r.version, r.need_digest, r.need, r.urgency,
        r.directory_version, r.is_unassigned, r.ruled, r.agreement, r.listed, w.closed_over
    from (
        select vehicle_id, case_id, has_offers, closed_at, '{}'::uuid[] as closed_over
        from repair_case
        where vehicle_id = any($1::uuid[]) and closed_at is null
        union all
        select c.vehicle_id, c.case_id, c.has_offers, c.closed_at, array_agg(ce.episode_id)
        from episode as e
        join case_episode as ce using (vehicle_id, episode_id)
        join repair_case as c on c.vehicle_id = ce.vehicle_id and c.case_id = ce.case_id
        where
            e.vehicle_id = any($1::uuid[])
            and c.vehicle_id = any($1::uuid[])
            and e.off_at is null
            and e.is_raised
            and c.closed_at is not null
        group by c.vehicle_id, c.case_id
    ) as w
    join referral as r using (vehicle_id, case_id)
    order by w.vehicle_id, w.closed_at desc nulls first, r.version desc
),
wanted as (
    select vehicle_id, episode_id
    from episode
    where vehicle_id = any($1::uuid[]) and off_at is null and is_raised
    union
    select ce.vehicle_id, ce.episode_id
    from repair_case as c
    join case_episode as ce using (vehicle_id, case_id)
    where c.vehicle_id = any($1::uuid[]) and c.closed_at is null
)
select
    v.vehicle_id, v.unit, v.make, v.model_year, v.powertrain, v.vehicle_class, v.fleet,
    v.is_registered, v.lon_deg, v.lat_deg, v.soc_pct, v.speed_kmh,
    v.warranty_until, v.lang, p.rules,
    c.case_id, c.has_offers, c.version, c.need_digest, c.need, c.urgency,
    c.directory_version, c.is_unassigned, c.ruled, c.agreement, c.listed, c.closed_over,
    e.episode_id, e.code, e.ecu, e.status, e.lamps, e.off_at, e.onset_at,
    past.case_id as past_case_id, past.closed_at as past_closed_at
from vehicle as v
left join principal as p on p.name = v.principal and p.ended_at is null
left join latest_case as c using (vehicle_id)
left join wanted using (vehicle_id)
left join episode as e on e.vehicle_id = v.vehicle_id and e.episode_id = wanted.episode_id
left join lateral (
    select c.case_id, c.closed_at
    from episode as before
    join case_episode as ce using (vehicle_id, episode_id)
    join repair_case as c on c.vehicle_id = ce.vehicle_id and c.case_id = ce.case_id
    where
        before.vehicle_id = e.vehicle_id
        and before.ecu = e.ecu
        and before.code = e.code
        and before.ordinal < e.ordinal
        and c.closed_at is not null
    order by before.ordinal desc
    limit 1
) as past on e.ordinal > 1
where v.vehicle_id = any($1::uuid[])
order by v.vehicle_id, e.first_seen_at, e.episode_id

-- name: share_directory
select pg_advisory_xact_lock_shared($1)

-- name: write_verdicts
with given as (
    select
        vehicle_id, token, revision, at, case_id, is_open, came_back_from,
        -- Whom it found nobody for is looked at again if the directory changed since.
        least(again_at, case when nobody_in <> (
            select coalesce(max(version), 0)::text from directory_version
        ) then at end) as again_at
    from unnest(
        $1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::uuid[],
        $7::boolean[], $8::uuid[], $9::text[]
    ) as g (
        vehicle_id, token, revision, again_at, at, case_id, is_open, came_back_from, nobody_in
    )
),
-- The gateway takes these locks too, in the same order: what it changes is seen whole, or after us.
held as (
    select vehicle_id, unit
    from vehicle
    where vehicle_id = any($1::uuid[])
    order by vehicle_id
    for no key update
),
finished as (
    delete from work
    using held join given using (vehicle_id)
    where
        work.vehicle_id = any($1::uuid[])
        and work.vehicle_id = held.vehicle_id
        and work.lease_token = given.token
        and work.revision = given.revision
        and given.again_at is null
    returning given.*, held.unit
),
released as (
    update work
    set lease_token = null, lease_until = null, due_at = given.again_at
    from held join given using (vehicle_id)
    where
        work.vehicle_id = any($1::uuid[])
        and work.vehicle_id = held.vehicle_id
        and work.lease_token = given.token
        and work.revision = given.revision
        and given.again_at is not null
    returning given.*, held.unit
),
done as (
    select * from finished
    union all
    select * from released
),
issued as (
    select done.unit, r.*, r.offer_count is distinct from 0 as has_offers
    from unnest(
        $10::uuid[], $11::uuid[], $12::integer[], $13::uuid[], $14::timestamptz[], $15::bytea[],
        $16::text[], $17::boolean[], $18::bytea[], $19::text[], $20::integer[], $21::text[],
        $22::text[], $23::text[], $24::text[], $25::bytea[], $26::bytea[]
    ) as r (
        vehicle_id, case_id, version, referral_id, decided_at, need_digest, urgency, is_unassigned,
        document, need, offer_count, directory_version, ruled, agreement, listed, short, entry
    )
    join done using (vehicle_id)
),
opened as (
    insert into repair_case (vehicle_id, case_id, opened_at, came_back_from, has_offers)
    select d.vehicle_id, d.case_id, d.at, d.came_back_from, coalesce(i.has_offers, true)
    from done as d
    left join issued as i using (vehicle_id)
    where d.is_open
    on conflict (vehicle_id, case_id) do nothing
),
-- A row is written once in a statement: these are the cases that were there before.
changed as (
    update repair_case as c
    set
        closed_at = case when not d.is_open then d.at end,
        has_offers = coalesce(i.has_offers, c.has_offers)
    from done as d
    left join issued as i using (vehicle_id)
    where
        c.vehicle_id = d.vehicle_id
        and case when d.is_open then c.case_id = d.case_id else c.closed_at is null end
        and ((c.closed_at is null) <> d.is_open or c.has_offers <> i.has_offers)
),
joined as (
    insert into case_episode (vehicle_id, case_id, episode_id)
    select d.vehicle_id, d.case_id, e.episode_id
    from unnest($27::uuid[], $28::uuid[]) as e (vehicle_id, episode_id)
    join done as d using (vehicle_id)
    on conflict (vehicle_id, episode_id) do nothing
),
referred as (
    insert into referral (
        vehicle_id, case_id, version, referral_id, decided_at, need_digest, urgency,
        is_unassigned, document, need, offer_count, directory_version, ruled, agreement, listed
    )
    select
        vehicle_id, case_id, version, referral_id, decided_at, need_digest, urgency,
        is_unassigned, document, need::jsonb, offer_count, directory_version, ruled::jsonb,
        agreement,
        case when listed is not null then array(select jsonb_array_elements_text(listed::jsonb)) end
    from issued
),
pushed as (
    insert into outbox (delivery_id, vehicle_id, unit, payload, due_at)
    select referral_id, vehicle_id, unit, short, decided_at
    from issued
),
logged as (
    insert into log_pending (entry_id, body, created_at)
    select referral_id, entry, decided_at
    from issued
),
aside as (
    select done.vehicle_id, done.at, a.episode_id, a.reason, a.detail
    from unnest($29::uuid[], $30::uuid[], $31::text[], $32::text[]) as a (
        vehicle_id, episode_id, reason, detail
    )
    join done using (vehicle_id)
),
over as (
    update set_aside as s
    set ended_at = d.at
    from done as d
    where
        s.vehicle_id = d.vehicle_id
        and s.ended_at is null
        and d.at is not null
        and not exists (
            select from aside as a
            where a.vehicle_id = s.vehicle_id and a.episode_id = s.episode_id
        )
),
noted as (
    insert into set_aside (vehicle_id, episode_id, reason, detail, since)
    select vehicle_id, episode_id, reason, detail, at
    from aside
    on conflict (vehicle_id, episode_id) do update set
        reason = excluded.reason,
        detail = excluded.detail,
        since = case
            when set_aside.ended_at is null and set_aside.reason = excluded.reason
                then set_aside.since
            else excluded.since
        end,
        ended_at = null
),
told as (
    select pg_notify('rightbay_outbox', '') where exists (select from issued)
)
select done.vehicle_id, (select count(*) from told) as told
from done

-- name: give_back
update work
set lease_token = null, lease_until = null
from unnest($1::uuid[], $2::uuid[]) as given (vehicle_id, token)
where
    work.vehicle_id = any($1::uuid[])
    and work.vehicle_id = given.vehicle_id
    and work.lease_token = given.token

-- name: upsert_dead_letters
insert into dead_letter (
    digest, topic, unit, event_id, reason, text, raw, is_whole, first_at, last_at
)
select digest, topic, unit, event_id, reason, text, raw, is_whole, at, at
from unnest(
    $1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[],
    $8::boolean[], $9::timestamptz[]
) as given (digest, topic, unit, event_id, reason, text, raw, is_whole, at)
on conflict (digest) do update set
    times = dead_letter.times + 1,
    last_at = greatest(dead_letter.last_at, excluded.last_at)

-- name: list_groups
select
    reason, unit, count(*) as letters, sum(times)::bigint as times,
    count(replayed_at) as replayed, min(first_at) as first_at, max(last_at) as last_at,
    max(dead_letter_id) as newest
from dead_letter
where ($1::text is null or reason = $1) and ($2::text is null or unit = $2)
group by reason, unit
order by max(last_at) desc, reason, unit
limit $3

-- name: list_dropped
select reason, letters, times, last_at from dead_letter_dropped order by reason

-- name: select_letter
select
    dead_letter_id, topic, unit, event_id, reason, text, raw, is_whole, first_at, last_at, times,
    tried_at, replayed_at
from dead_letter
where dead_letter_id = $1

-- name: select_waiting
select
    dead_letter_id, topic, unit, event_id, reason, text, raw, is_whole, first_at, last_at, times,
    tried_at, replayed_at
from dead_letter
where
    dead_letter_id > $1
    and is_whole
    and reason <> 'id_conflict'
    and replayed_at is null
    and ($2::text is null or reason = $2)
    and ($3::text is null or unit = $3)
order by dead_letter_id
limit $4

-- name: count_passed_over
select count(*)
from dead_letter
where
    (not is_whole or reason = 'id_conflict')
    and ($1::text is null or reason = $1)
    and ($2::text is null or unit = $2)

-- name: mark_tried
update dead_letter
set tried_at = $3, replayed_at = case when $2 then $3 else replayed_at end
where dead_letter_id = $1

-- name: prune
with of_unit as (
    select
        dead_letter_id, replayed_at is not null as is_replayed, last_at, octet_length(raw) as length,
        row_number() over (
            partition by unit order by replayed_at is not null, last_at desc, dead_letter_id desc
        ) as place
    from dead_letter
    where last_at >= $1
),
ranked as (
    select
        dead_letter_id, row_number() over everyone as place, sum(length) over everyone as length
    from of_unit
    where place <= $3
    window everyone as (order by is_replayed, last_at desc, dead_letter_id desc)
),
dropped as (
    delete from dead_letter
    where not exists (
        select from ranked
        where
            ranked.dead_letter_id = dead_letter.dead_letter_id
            and ranked.place <= $2
            and ranked.length <= $4
    )
    returning reason, times, last_at
),
counted as (
    insert into dead_letter_dropped (reason, letters, times, last_at)
    select reason, count(*), sum(times), max(last_at) from dropped group by reason
    on conflict (reason) do update set
        letters = dead_letter_dropped.letters + excluded.letters,
        times = dead_letter_dropped.times + excluded.times,
        last_at = greatest(dead_letter_dropped.last_at, excluded.last_at)
)
select count(*) from dropped

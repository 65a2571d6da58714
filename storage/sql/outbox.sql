-- name: claim
with due as (
    select delivery_id
    from outbox as candidate
    where
        delivered_at is null
        and due_at <= $1
        and (lease_until is null or lease_until <= $1)
        -- Asked for each candidate by its key, however the rest is planned.
        and position = (
            select min(waiting.position)
            from outbox as waiting
            where waiting.vehicle_id = candidate.vehicle_id and waiting.delivered_at is null
        )
    order by due_at
    limit $2
    for update skip locked
)
update outbox
set lease_token = $3, lease_until = $4, attempts = attempts + 1
where delivery_id = any(array(select delivery_id from due))
returning delivery_id, unit, payload

-- name: mark_delivered
update outbox
set delivered_at = $3, lease_token = null, lease_until = null
where delivery_id = any($1::uuid[]) and lease_token = $2

-- name: postpone
update outbox
set
    due_at = $3::timestamptz
        + least($4::float8 * power(2, least(attempts, 30) - 1), $5::float8) * interval '1 second',
    lease_token = null,
    lease_until = null
where delivery_id = any($1::uuid[]) and lease_token = $2

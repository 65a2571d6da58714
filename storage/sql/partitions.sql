-- name: try_lock
select pg_try_advisory_xact_lock($1)

-- name: be_brief
select set_config('lock_timeout', $1, true)

-- name: make_weeks
select given.parent || to_char(monday, '_YYYYMMDD') as partition
from unnest($1::text[], $2::text[]) as given (parent, key)
cross join generate_series($3::date, $4::date, interval '1 week') as monday
where make_week(given.parent::regclass, given.key::name, monday::date)

-- name: drop_weeks
select drop_weeks(parent::regclass, $2::date) as partition
from unnest($1::text[]) as given (parent)

-- name: empty_default_reports
with old as (select ctid from report_default where received_at < $1 limit $2)
delete from report_default using old where report_default.ctid = old.ctid

-- name: empty_default_transitions
with old as (select ctid from transition_default where at < $1 limit $2)
delete from transition_default using old where transition_default.ctid = old.ctid

-- name: forget_events
with old as (select unit, event_id from event where received_at < $1 limit $2)
delete from event
using old
where event.unit = old.unit and event.event_id = old.event_id

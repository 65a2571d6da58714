-- name: insert_stated
insert into stated (event_id, kind, at, document)
values ($1, $2, $3, $4)

-- name: insert_log_pending
insert into log_pending (entry_id, body, created_at)
values ($1, $2, $3)

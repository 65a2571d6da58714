-- name: insert_business
insert into business (business_id, name, country, contact, state, registered_at)
values ($1, $2, $3, $4, 'proposed', $5)

-- name: one_registration_at_a_time
select pg_advisory_xact_lock($1)

-- name: count_waiting
select count(*), count(*) filter (where registered_at > $1) as recent
from business
where state = 'proposed'

-- name: set_business
update business set name = $2, country = $3, contact = $4, state = $5 where business_id = $1

-- name: select_business
select b.*, coalesce(array_agg(s.site_id order by s.site_id) filter (where s.site_id is not null), '{}') as sites
from business as b
left join business_site as s using (business_id)
where b.business_id = $1
group by b.business_id

-- name: list_businesses
select
    b.*,
    coalesce((select array_agg(site_id order by site_id) from business_site as s where s.business_id = b.business_id), '{}') as sites
from business as b
where ($1::text is null or b.state = $1) and ($2::timestamptz is null or (b.registered_at, b.business_id) < ($2, $3::uuid))
order by b.registered_at desc, b.business_id desc
limit $4

-- name: lock_business
select state from business where business_id = $1 for update

-- name: count_proposals
select count(*) filter (where state = 'proposed') as open, count(*) filter (where proposed_at > $2) as recent
from proposal
where business_id = $1

-- name: insert_proposal
insert into proposal (
    proposal_id, business_id, kind, fields, private, documents, proposed_at, state, decided_at,
    reason, evidence
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: select_proposal
select * from proposal where business_id = $1 and proposal_id = $2

-- name: lock_proposal
select * from proposal where business_id = $1 and proposal_id = $2 for update

-- name: list_proposals
select *
from proposal
where
    ($1::uuid is null or business_id = $1)
    and ($2::text is null or state = $2)
    and ($3::timestamptz is null or (proposed_at, proposal_id) < ($3, $4::uuid))
order by proposed_at desc, proposal_id desc
limit $5

-- name: decide_proposal
update proposal
set state = $2, decided_at = $3, reason = $4, about = $5, evidence = $6, private = '{}'
where proposal_id = $1

-- name: select_owner
select business_id from business_site where site_id = $1

-- name: is_named
select exists (
    select from proposal
    where business_id = $1 and kind = 'site' and state = 'proposed' and fields ->> 'site' = $2
)

-- name: is_site
select exists (select from site where site_id = $1)

-- name: refuse_business
update business set state = 'refused' where business_id = $1

-- name: own_site
insert into business_site (site_id, business_id) values ($1, $2) on conflict do nothing

-- name: select_holder
select holder from holder where site_id = $1 and person = $2

-- name: select_person_of_holder
select site_id, person from holder where holder = $1

-- name: set_holder
insert into holder (holder, site_id, person) values ($1, $2, $3)
on conflict (site_id, person) do update set holder = excluded.holder

-- name: delete_holder
delete from holder where site_id = $1 and person = $2

-- name: insert_event
insert into register_event (event_id, business_id, kind, at, document) values ($1, $2, $3, $4, $5)

-- name: count_events
select count(*) from register_event where business_id = $1 and kind = $2 and at > $3

-- name: list_events
select position, document from register_event
where business_id = $1 and position < coalesce($2, 9223372036854775807)
order by position desc
limit $3

-- name: insert_log_pending
insert into log_pending (entry_id, body, created_at) values ($1, $2, $3)

-- name: count_documents
select count(*) from business_document where business_id = $1

-- name: has_document
select exists (select from business_document where business_id = $1 and digest = $2)

-- name: select_digests
select digest from business_document where business_id = $1 and digest = any($2::text[])

-- name: insert_document
insert into business_document (business_id, digest, media_type, content, stored_at)
values ($1, $2, $3, $4, $5)
on conflict do nothing

-- name: select_document
select media_type, content from business_document where business_id = $1 and digest = $2

-- name: forget_documents
delete from business_document as d
where
    stored_at < $1
    and not exists (
        select from proposal as p
        where
            p.business_id = d.business_id
            and d.digest = any(p.documents)
            and (p.state = 'proposed' or p.decided_at > $2)
    )

-- name: forget_unreviewed
delete from business as b
where
    state = 'proposed'
    and registered_at < $1
    and not exists (select from register_event as e where e.business_id = b.business_id)

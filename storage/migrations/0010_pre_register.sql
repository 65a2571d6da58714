-- What businesses propose and what was decided about it; which sites are theirs; what proves it.

-- `fields`: what was proposed, as cells of a file. `private`: what stands in no history.
create table proposal (
    proposal_id  uuid primary key,
    business_id  uuid not null references business on delete cascade,
    kind         text not null,
    fields       jsonb not null,
    private      jsonb not null,
    documents    text[] not null,
    proposed_at  timestamptz not null,
    state        text not null,
    decided_at   timestamptz,
    reason       text not null default '',
    about        text not null default '',
    evidence     text
);
create index proposal_by_business on proposal (business_id, proposed_at, proposal_id);
create index proposal_waiting on proposal (proposed_at, proposal_id) where state = 'proposed';

-- A site belongs to one business or to none.
create table business_site (
    site_id      text primary key references site,
    business_id  uuid not null references business
);
create index business_site_by_business on business_site (business_id);

-- The subject of a person's signed credentials: nobody is two persons.
create table holder (
    holder   text primary key,
    site_id  text not null,
    person   integer not null,
    unique (site_id, person)
);

create table business_document (
    business_id  uuid not null references business on delete cascade,
    digest       text not null,
    media_type   text not null,
    content      bytea not null,
    stored_at    timestamptz not null,
    primary key (business_id, digest)
);

-- Everything that was decided, for ever: `document` is canonical JSON, and its digest stands in the log.
create table register_event (
    event_id     uuid primary key,
    position     bigint generated always as identity,
    business_id  uuid not null references business,
    kind         text not null,
    at           timestamptz not null,
    document     bytea not null
);
create index register_event_by_business on register_event (business_id, position);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is only ever added to', tg_table_name;
end
$$;
create trigger register_event_stays before update or delete on register_event
for each row execute function refuse_change();

-- Who is there, what a title says in its own words, and what was known before.

alter table person
    add column employer text not null default '',
    add column employed_from date,
    add column employed_until date,
    add column hours text,
    add column absences text not null default '';  -- as in a file: 2026-12-24/2027-01-02;…

alter table credential
    add column revoked_on date,
    add column is_suspended boolean not null default false,
    add column employer text not null default '',
    add column edition text not null default '',
    add column scope text not null default '';

-- The version of the directory with which a row came to say what it says; 0: before this was kept.
alter table site add column known_from bigint not null default 0;
alter table person add column known_from bigint not null default 0;
alter table credential add column known_from bigint not null default 0;
create index site_by_version on site (known_from);
create index person_by_version on person (known_from);
create index credential_by_version on credential (known_from);

-- What rows said before: from one version up to, and not with, another.
create table superseded (
    kind         text not null,
    known_from   bigint not null,
    known_until  bigint not null,
    content      jsonb not null
);
create index superseded_by_kind on superseded (kind, known_from, known_until);
create index superseded_by_version on superseded (known_until);

create function keep_superseded() returns trigger language plpgsql as $$
declare
    until bigint;
begin
    if tg_op = 'DELETE' then
        select coalesce(max(version), 0) into until from directory_version;
    else
        until := new.known_from;
        if until <= old.known_from then
            raise exception '% changes without a new version of the directory', tg_table_name;
        end if;
    end if;
    insert into superseded (kind, known_from, known_until, content)
    values (tg_table_name, old.known_from, until, to_jsonb(old));
    return case tg_op when 'DELETE' then old else new end;
end
$$;

create trigger keep_superseded before update or delete on site
for each row execute function keep_superseded();
create trigger keep_superseded before update or delete on person
for each row execute function keep_superseded();
create trigger keep_superseded before update or delete on credential
for each row execute function keep_superseded();

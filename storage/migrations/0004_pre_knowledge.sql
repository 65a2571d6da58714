-- What customers add to the knowledge: lists of codes and rules of their own. Nothing is deleted:
-- a list that was replaced or removed and a rule that was undone keep their rows, with who and when.

create table code_list (
    list_id        bigint generated always as identity primary key,
    name           text not null,
    version        integer not null,
    source         text not null,
    digest         bytea not null,
    entry_count    integer not null,
    imported_at    timestamptz not null,
    imported_by    text not null,
    ended_at       timestamptz,
    ended_by       text,
    unique (name, version)
);
-- Two versions of a list never speak at once.
create unique index code_list_one_current on code_list (name) where ended_at is null;

create table code_list_entry (
    list_id  bigint not null references code_list,
    code     text not null,
    make     text not null,
    text     text not null,
    urgency  text,
    primary key (list_id, code, make)
);

create table own_rule (
    rule_id   bigint generated always as identity primary key,
    effect    text not null,
    pattern   text not null,
    make      text not null,
    fleet     text not null,
    urgency   text,
    text      text not null,
    because   text not null,
    made_by   text not null,
    made_at   timestamptz not null,
    ended_by  text,
    ended_at  timestamptz
);
create index own_rule_current on own_rule (rule_id) where ended_at is null;

-- Each change of what customers added has a number, so that every router sees it.
create table knowledge_version (
    version     bigint generated always as identity primary key,
    changed_at  timestamptz not null default now(),
    source      text not null
);

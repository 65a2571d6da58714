-- That a title ends soon: said once for each person, title and mark, however often it is found out.
create table reminder (
    site_id     text not null references site,
    person      integer not null,
    scheme      text not null,
    title       text not null,
    ends        date not null,
    ahead_days  integer not null check (ahead_days in (7, 30, 90)),
    lost        text[] not null,
    made_at     timestamptz not null,
    told_at     timestamptz,
    primary key (site_id, person, scheme, title, ends, ahead_days)
);
create index reminder_untold on reminder (made_at) where told_at is null;

-- Businesses that say something of themselves, and the keys by which callers over HTTP are known.

-- `contact`: where notices go. It stands in this column and nowhere else.
create table business (
    business_id    uuid primary key,
    name           text not null,
    country        text not null,
    contact        text not null,
    state          text not null,
    registered_at  timestamptz not null
);
create index business_by_time on business (registered_at, business_id);

-- Only the digest of a key is kept: who reads this table can call nothing.
create table access_key (
    key_id       uuid primary key,
    digest       bytea not null unique check (octet_length(digest) = 32),
    role         text not null check (role in ('reviewer', 'business')),
    business_id  uuid references business on delete cascade,
    note         text not null,
    issued_at    timestamptz not null,
    revoked_at   timestamptz,
    check ((role = 'business') = (business_id is not null))
);
create index access_key_by_business on access_key (business_id);

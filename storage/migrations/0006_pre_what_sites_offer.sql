-- What a site says of itself beyond who works there. Texts are as in a file: docs/directory.md.

alter table site
    add column absences text not null default '',
    add column service_area text not null default '',
    add column is_van boolean not null default false,
    add column cases_per_day integer,
    add column hourly_rates text not null default '',
    add column languages text[] not null default '{}',
    add column networks text[] not null default '{}',
    add column insurers text[] not null default '{}',
    add column has_replacement_car boolean;

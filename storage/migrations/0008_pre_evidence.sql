-- What an episode rests on: the report that began it, the bytes that listed the code, the values near
-- it, and what the control unit kept about it. An object; what is not known has no key.

alter table episode add column evidence jsonb not null default '{}';

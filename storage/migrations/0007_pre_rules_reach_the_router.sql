-- What customers' own rules did to the faults of a referral: by fault, the ids of the rules that spoke.
-- Null: decided before rules reached the router.
alter table referral add column ruled jsonb;

-- Why a fault makes no case of its own, for people; with who decided it, where a rule did.
alter table set_aside add column detail text not null default '';
create index set_aside_current on set_aside (vehicle_id) where ended_at is null;

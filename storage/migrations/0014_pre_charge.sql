-- What the traction battery held where the vehicle was when a fault of it last changed.

alter table vehicle add column soc_pct double precision;

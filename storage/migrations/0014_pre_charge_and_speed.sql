-- What the report told that last changed a fault of the vehicle: what its traction battery held, and
-- how fast it was. A null was not told.

alter table vehicle
    add column soc_pct double precision,
    add column speed_kmh double precision;

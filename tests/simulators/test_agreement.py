"""Two readings of the standards, held against each other: the gateway reads what is simulated."""

from datetime import UTC, datetime

import pytest

from gateway.dialects.rightbay import RightbayDialect
from gateway.model import Report
from simulators.model import DEMO_BOX, BusType
from simulators.testing import HandTurnedBus
from simulators.unit.device import Topics, encode_report
from simulators.vehicle import Vehicle
from simulators.wire.listener import Listener
from simulators.wire.poller import Poller
from simulators.world.catalogue import load_catalogue
from simulators.world.roster import SimulatedVehicle, fleet_vehicles

NOW_AT = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
FLEET = fleet_vehicles(4, 1, DEMO_BOX)


def reported(spec: SimulatedVehicle, vehicle: Vehicle, *, status_mask: int) -> Report:
    """Drive, read the bus once, report, and let the gateway decode the report."""
    with HandTurnedBus() as bus:
        reader: Listener | Poller
        if spec.car.bus is BusType.J1939:
            reader = Listener(period_s=60, first_s=bus.now_s + 1.5)
        else:
            reader = Poller(
                spec.car, bus.send, period_s=60, first_s=bus.now_s, status_mask=status_mask
            )
        bus.attach(*vehicle.nodes(bus.send), reader)
        bus.run(3)
        reading = reader.take()
    assert reading is not None
    body = encode_report(reading, spec.state_after(60), report_id="r", seq=1, at=NOW_AT)
    report = RightbayDialect().parse(Topics.of(spec.unit).report, body, received_at=NOW_AT)
    assert isinstance(report, Report)
    return report


@pytest.mark.parametrize("status_mask", [0x0D, 0xFF])
@pytest.mark.parametrize("spec", FLEET, ids=[spec.car.name for spec in FLEET])
def test_the_gateway_reads_exactly_the_codes_that_were_set(
    spec: SimulatedVehicle, status_mask: int
) -> None:
    scenarios = load_catalogue().scenarios_of(spec.car.name)
    for faults in ((), *(scenario.faults for scenario in scenarios)):
        vehicle = Vehicle(spec.car, vin=spec.vin)
        vehicle.set_faults(faults)
        report = reported(spec, vehicle, status_mask=status_mask)
        codes = {
            code.code
            for observation in report.observations
            for code in observation.codes
            if code.status is not None
        }
        assert codes == {fault.code for fault in faults}
        assert report.rejections == ()


def test_the_gateway_reads_where_and_how_the_vehicle_is() -> None:
    spec = FLEET[1]
    report = reported(spec, Vehicle(spec.car, vin=spec.vin), status_mask=0x0D)
    state = spec.state_after(60)
    assert report.unit == spec.unit
    assert report.unit_at == NOW_AT
    assert report.position is not None
    assert (report.position.lon_deg, report.position.lat_deg) == (
        state.position.lon_deg,
        state.position.lat_deg,
    )
    assert (report.odometer_km, report.soc_pct) == (state.odometer_km, state.soc_pct)
    assert report.signals == {"battery_v": state.battery_v}

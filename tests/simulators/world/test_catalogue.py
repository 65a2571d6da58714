from dtc_db.codes import J1939Dtc
from simulators.model import BusType
from simulators.world.catalogue import load_catalogue

CATALOGUE = load_catalogue()


def test_every_scenario_fits_the_vehicles_it_happens_in() -> None:
    for scenario in CATALOGUE.scenarios:
        for name in scenario.kinds:
            car = CATALOGUE.kinds[name]
            ecus = {ecu.name for ecu in car.ecus}
            for fault in scenario.faults:
                assert fault.ecu in ecus, (scenario.name, name)
                assert isinstance(fault.code, J1939Dtc) == (car.bus is BusType.J1939)


def test_no_two_control_units_of_a_vehicle_share_an_id() -> None:
    for car in CATALOGUE.kinds.values():
        ids = [ecu.response_id for ecu in car.ecus]
        if car.bus is BusType.CAN:
            ids += [ecu.request_id for ecu in car.ecus] + [car.functional_id]
        assert len(ids) == len(set(ids)), car.name


def test_every_control_unit_on_can_answers_something() -> None:
    for car in CATALOGUE.kinds.values():
        if car.bus is BusType.CAN:
            assert all(ecu.is_obd or ecu.is_uds for ecu in car.ecus), car.name


def test_every_kind_has_several_things_that_can_go_wrong() -> None:
    for name in CATALOGUE.kinds:
        assert len(CATALOGUE.scenarios_of(name)) >= 4

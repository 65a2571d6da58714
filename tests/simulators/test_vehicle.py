import threading
from collections.abc import Iterator
from contextlib import contextmanager

import can
import isotp
import pytest

from simulators.model import Fault, Stage
from simulators.vehicle import Vehicle
from simulators.wire.bus import BusSettings, Pump
from simulators.world.catalogue import load_catalogue
from simulators.world.codes import parse_code

CATALOGUE = load_catalogue()


@contextmanager
def running(kind: str) -> Iterator[tuple[Vehicle, can.BusABC]]:
    """A vehicle in its own thread, and a tester's own handle on its bus."""
    car = CATALOGUE.kinds[kind]
    channel = f"test-vehicle-{kind}"
    bus = BusSettings(channel=channel).open(unit=kind, number=1)
    tester = can.Bus(interface="virtual", channel=channel)
    vehicle, pump = Vehicle(car, vin="VF1ZZZ9A0LS000001"), Pump(bus)
    pump.attach(vehicle.nodes(pump.send))
    thread = threading.Thread(target=pump.run)
    thread.start()
    try:
        yield vehicle, tester
    finally:
        pump.stop()
        thread.join()
        bus.shutdown()
        tester.shutdown()


def fault(ecu: str, text: str) -> Fault:
    return Fault(ecu=ecu, code=parse_code(text), code_text=text, stage=Stage.CONFIRMED)


def ask(tester: can.BusABC, request: bytes, *, request_id: int, stmin: int) -> bytes:
    """Let can-isotp's own threaded stack ask, with a pause between frames if it likes."""
    stack = isotp.CanStack(
        tester,
        address=isotp.Address(txid=request_id, rxid=request_id + 8),
        params={"stmin": stmin, "blocksize": 4, "tx_padding": 0x55},
    )
    stack.start()
    try:
        stack.send(request)
        answer = stack.recv(block=True, timeout=5)
    finally:
        stack.stop()
    assert answer is not None
    return bytes(answer)


@pytest.mark.parametrize("stmin", [0, 2, 0xF5])
def test_a_foreign_tester_reads_a_long_answer_at_its_own_pace(stmin: int) -> None:
    faults = [fault("hv_battery", f"P0A{number:02X}-1A") for number in range(60)]
    with running("bev") as (vehicle, tester):
        vehicle.set_faults(faults)
        answer = ask(tester, b"\x19\x02\x08", request_id=0x7E4, stmin=stmin)
    assert answer[:3] == b"\x59\x02\xff"
    records = {answer[at : at + 4].hex() for at in range(3, len(answer), 4)}
    assert records == {f"0a{number:02x}1aaf" for number in range(60)}


def test_a_fault_is_there_while_it_is_set() -> None:
    one = fault("body", "P0562-16")
    with running("bev") as (vehicle, tester):
        answers = [ask(tester, b"\x19\x02\x08", request_id=0x7A0, stmin=0)]
        vehicle.set_faults([one])
        answers.append(ask(tester, b"\x19\x02\x08", request_id=0x7A0, stmin=0))
        assert vehicle.faults == (one,)
        vehicle.remove_faults([one])
        answers.append(ask(tester, b"\x19\x02\x08", request_id=0x7A0, stmin=0))
    assert [answer.hex() for answer in answers] == ["5902ff", "5902ff056216af", "5902ff"]


def test_only_control_units_with_emissions_answer_everyone() -> None:
    with running("petrol") as (_, tester):
        tester.send(
            can.Message(arbitration_id=0x7DF, data=b"\x01\x03" + bytes(6), is_extended_id=False)
        )
        answers = [tester.recv(timeout=1), tester.recv(timeout=1)]
        assert tester.recv(timeout=0.05) is None
    assert [answer.arbitration_id for answer in answers if answer] == [0x7E8, 0x7E9]


def test_a_vehicle_refuses_what_it_cannot_have_and_sets_nothing() -> None:
    vehicle = Vehicle(CATALOGUE.kinds["petrol"], vin="")
    for bad in (fault("hv_battery", "P0AA6-1A"), fault("engine", "SPN 100 FMI 1")):
        with pytest.raises(ValueError, match="a petrol has no"):
            vehicle.set_faults([fault("engine", "P0302"), bad])
    assert vehicle.faults == ()

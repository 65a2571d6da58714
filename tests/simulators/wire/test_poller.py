from dtc_db.codes import J2012Dtc
from simulators.model import BusType, Frame
from simulators.testing import HandTurnedBus
from simulators.vehicle import Vehicle
from simulators.wire.poller import Poller
from simulators.wire.reading import Reading
from simulators.world.catalogue import load_catalogue
from simulators.world.codes import parse_code

CATALOGUE = load_catalogue()
VIN = "VF1ZZZ9A0LS000001"


def poll(kind: str, *scenarios: str, status_mask: int = 0x0D) -> Reading:
    """Poll a vehicle of one kind once, on a real virtual bus, and return what was read."""
    car = CATALOGUE.kinds[kind]
    vehicle = Vehicle(car, vin=VIN)
    for scenario in CATALOGUE.scenarios_of(kind):
        if scenario.name in scenarios:
            vehicle.set_faults(scenario.faults)
    with HandTurnedBus() as bus:
        poller = Poller(car, bus.send, period_s=60, first_s=bus.now_s, status_mask=status_mask)
        bus.attach(*vehicle.nodes(bus.send), poller)
        bus.run(5)
        reading = poller.take()
    assert reading is not None
    return reading


def texts(reading: Reading) -> list[str]:
    return [f"{seen.frame.id_text} {seen.frame.data.hex()}" for seen in reading.frames]


def test_a_petrol_car_is_read_with_exactly_these_frames() -> None:
    assert texts(poll("petrol", "misfire", "airbag_loop")) == [
        "7DF 0103aaaaaaaaaaaa",
        "7E8 0643020302" + "0300aa",
        "7E9 024300aaaaaaaaaa",
        "7DF 0107aaaaaaaaaaaa",
        "7E8 0447010316aaaaaa",
        "7E9 024700aaaaaaaaaa",
        "7DF 010aaaaaaaaaaaaa",
        "7E8 024a00aaaaaaaaaa",
        "7E9 024a00aaaaaaaaaa",
        "7D0 0319020daaaaaaaa",
        "7D8 035902ffaaaaaaaa",
        "7D1 0319020daaaaaaaa",
        "7D9 035902ffaaaaaaaa",
        "7D2 0319020daaaaaaaa",
        "7DA 075902ff80011aaf",
        "7B3 0319020daaaaaaaa",
        "7BB 035902ffaaaaaaaa",
        "7A0 0319020daaaaaaaa",
        "7A8 035902ffaaaaaaaa",
    ]


def test_a_long_answer_comes_with_its_flow_control() -> None:
    frames = texts(poll("van", "scr_weak"))
    assert frames[:4] == [
        "18DB33F1 0103aaaaaaaaaaaa",
        "18DAF110 1008430320ee203f",
        "18DA10F1 300000aaaaaaaaaa",
        "18DAF110 212201aaaaaaaaaa",
    ]


def test_a_battery_electric_car_is_not_asked_for_emissions() -> None:
    reading = poll("bev", "hv_isolation_lost")
    assert not any(text.startswith("7DF") for text in texts(reading))
    assert (0x7EC, bytes.fromhex("5902ff0aa61aaf")) in reading.answers


def test_codes_that_never_failed_are_listed_only_when_everything_is_asked_for() -> None:
    careful, everything = poll("bev"), poll("bev", status_mask=0xFF)
    assert (0x7EC, bytes.fromhex("5902ff")) in careful.answers
    assert (0x7EC, bytes.fromhex("5902ff0a7e98500aa473500a951350")) in everything.answers


def test_every_scenario_is_read_with_all_its_codes() -> None:
    for kind, car in CATALOGUE.kinds.items():
        for scenario in CATALOGUE.scenarios_of(kind):
            if car.bus is not BusType.CAN:
                continue
            read = b" ".join(payload for _, payload in poll(kind, scenario.name).answers)
            for fault in scenario.faults:
                code = parse_code(fault.code_text)
                assert isinstance(code, J2012Dtc)
                assert code.number.to_bytes(2) in read, fault


class Scripted:
    """A control unit that answers as a test wants."""

    deadline_s = None

    def __init__(self, bus: HandTurnedBus, answers: dict[str, list[str]]) -> None:
        self._bus = bus
        self._answers = answers

    def receive(self, frame: Frame, *, now_s: float) -> None:  # noqa: ARG002
        for answer in self._answers.pop(f"{frame.id_text} {frame.data.hex()[:8]}", []):
            answer_id, _, data = answer.partition(" ")
            self._bus.send(Frame(int(answer_id, 16), bytes.fromhex(data)))

    def tick(self, *, now_s: float) -> None:
        pass


def scripted_poll(answers: dict[str, list[str]], *, seconds: float) -> Reading | None:
    with HandTurnedBus() as bus:
        poller = Poller(
            CATALOGUE.kinds["bev"], bus.send, period_s=60, first_s=bus.now_s, status_mask=0x0D
        )
        bus.attach(Scripted(bus, answers), poller)
        bus.run(seconds)
        return poller.take()


def test_silence_ends_a_poll_and_is_no_answer() -> None:
    reading = scripted_poll({}, seconds=7 * 0.15 + 0.01)
    assert reading is not None
    assert reading.answers == frozenset()
    assert len(reading.frames) == 7  # our own requests: they show that nobody answered


def test_pending_is_waited_for() -> None:
    answers = {"7E4 0319020d": ["7EC 037f1978aaaaaaaa"]}
    assert scripted_poll(dict(answers), seconds=3) is None
    reading = scripted_poll(dict(answers), seconds=5 + 7 * 0.15)
    assert reading is not None
    assert reading.answers == frozenset()


def test_a_refusal_is_an_answer() -> None:
    reading = scripted_poll({"7E4 0319020d": ["7EC 037f1922aaaaaaaa"]}, seconds=2)
    assert reading is not None
    assert reading.answers == {(0x7EC, bytes.fromhex("7f1922"))}


def test_a_transfer_that_breaks_off_ends_by_its_own_deadline() -> None:
    reading = scripted_poll({"7E4 0319020d": ["7EC 10175902ff0aa473"]}, seconds=3)
    assert reading is not None
    assert reading.answers == frozenset()
    assert "7EC 10175902ff0aa473" in texts(reading)  # the evidence stays


def test_frames_of_others_are_not_kept() -> None:
    reading = scripted_poll({"7E4 0319020d": ["123 0000", "7FF 0000"]}, seconds=3)
    assert reading is not None
    assert not any(text.startswith(("123", "7FF")) for text in texts(reading))

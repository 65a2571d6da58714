"""What the simulators say is what we read: two readings of the standards that share no code."""

from hypothesis import given
from hypothesis import strategies as st

from dtc_db.codes import J1939Dtc, J2012Dtc
from gateway.decode import decode_frames
from gateway.model import Bus, Frame, Observation, Outcome, Status
from gateway.protocols import messages
from gateway.protocols.listener import Message
from simulators.ecu import ControlUnit
from simulators.model import EcuKind, Fault, Lamp, Stage
from simulators.model import Frame as SentFrame
from simulators.wire.dm1 import dm1_frames, encode_dm1
from simulators.wire.link import Link

# SPN 0 and the highest number are fillers on the wire, not faults.
faults = st.lists(
    st.builds(
        lambda spn, fmi, count, lamp: Fault(
            ecu="engine", code=J1939Dtc(spn, fmi), code_text="", count=count, lamp=lamp
        ),
        st.integers(1, 0x7FFFE),
        st.integers(0, 31),
        st.integers(0, 126),
        st.sampled_from(Lamp),
    ),
    max_size=20,
    unique_by=lambda fault: fault.code,
)


@given(faults, st.integers(0, 0xFD), st.sampled_from([Bus.CAN, Bus.J1939]))
def test_every_broadcast_of_active_codes_is_read(
    active: list[Fault], source: int, bus: Bus
) -> None:
    sent = dm1_frames(encode_dm1(active), source_address=source)
    frames = [
        Frame(index * 55.0, one.can_id, one.data, one.is_extended) for index, one in enumerate(sent)
    ]
    ((observation,), rejections) = decode_frames(frames, bus=bus)
    assert rejections == ()
    assert (observation.ecu, observation.service) == (f"SA {source:02X}", "DM1")
    assert observation.outcome is (Outcome.CODES if active else Outcome.NONE_FOUND)
    assert [(one.code, one.occurrence_count, one.status) for one in observation.codes] == [
        (one.code, one.count, Status.ACTIVE) for one in active
    ]
    lit = {name for name, state in observation.lamps if state == "on"}
    assert lit == {one.lamp.value for one in active} - {Lamp.NONE.value}


stored = st.lists(
    st.builds(
        lambda number, failure_type, stage, lamp: Fault(
            ecu="engine",
            code=J2012Dtc(number, failure_type),
            code_text="",
            stage=stage,
            lamp=lamp,
        ),
        st.integers(1, 0xFFFF),
        st.integers(0, 0xFF),
        st.sampled_from(Stage),
        st.sampled_from(Lamp),
    ),
    max_size=40,
    unique_by=lambda fault: str(fault.code)[:5],  # with and without failure type
)
STATUSES = {
    Stage.DORMANT: None,
    Stage.PENDING: Status.ACTIVE,
    Stage.CONFIRMED: Status.ACTIVE,
    Stage.PERMANENT: Status.ACTIVE,
}


@given(stored)
def test_every_answer_of_a_control_unit_is_read(known: list[Fault]) -> None:
    unit = ControlUnit(
        EcuKind(name="engine", request_id=0x7E0, response_id=0x7E8, is_obd=True, is_uds=True),
        vin="1M8GDM9AXKP042788",
    )
    for fault in known:
        unit.set_fault(fault)

    def ask(request: str) -> Observation:
        answer = unit.answer(bytes.fromhex(request), is_functional=False)
        assert answer is not None
        message = Message(t_ms=0.0, can_id="7E8", ecu="7E8", data=answer)
        found = messages.decode(message, bus=Bus.CAN)
        assert isinstance(found, Observation), found
        return found

    every = ask("19 02 FF")
    assert [(one.code, one.status) for one in every.codes] == [
        (one.code, STATUSES[one.stage]) for one in known
    ]
    assert ask("19 01 FF").count == len(known)
    assert ask("19 04").outcome is Outcome.REFUSED
    assert dict(ask("09 02").identity) == {"vin": "1M8GDM9AXKP042788"}
    for request, stages in (
        ("03", {Stage.CONFIRMED, Stage.PERMANENT}),
        ("07", {Stage.PENDING}),
        ("0A", {Stage.PERMANENT}),
    ):
        numbers = [one.code.number for one in ask(request).codes if isinstance(one.code, J2012Dtc)]
        assert numbers == [
            one.code.number
            for one in known
            if one.stage in stages and isinstance(one.code, J2012Dtc)
        ]


REQUESTS = (
    "0100",
    "0101",
    "03",
    "07",
    "0A",
    "0900",
    "0902",
    "1901FF",
    "1902FF",
    "1904",
    "19",
)


def sent(unit: ControlUnit, request: bytes) -> list[Frame]:
    """Ask a control unit over its own ISO-TP, and note both sides of the conversation."""
    frames: list[Frame] = []

    def note(frame: SentFrame) -> None:
        frames.append(Frame(float(len(frames)), frame.can_id, frame.data, frame.is_extended))

    tester = Link(send_id=0x7E0, receive_id=0x7E8, is_extended=False, send=note)
    answerer = Link(send_id=0x7E8, receive_id=0x7E0, is_extended=False, send=note)
    tester.send(request)
    answer = unit.answer(request, is_functional=False)
    if answer is not None:
        answerer.send(answer)
    seen = 0
    while seen < len(frames):
        one = frames[seen]
        seen += 1
        for link in (tester, answerer):
            link.receive(SentFrame(one.can_id, one.data, is_extended=one.is_extended))
            link.tick()
    return frames


@given(stored, st.sampled_from(REQUESTS))
def test_every_conversation_of_a_tester_and_a_control_unit_is_followed(
    known: list[Fault], request: str
) -> None:
    unit = ControlUnit(
        EcuKind(name="engine", request_id=0x7E0, response_id=0x7E8, is_obd=True, is_uds=True),
        vin="1M8GDM9AXKP042788",
    )
    for fault in known:
        unit.set_fault(fault)
    frames = sent(unit, bytes.fromhex(request))
    answer = unit.answer(bytes.fromhex(request), is_functional=False)
    observations, rejections = decode_frames(frames, bus=Bus.CAN)
    assert rejections == ()
    (found,) = observations
    assert found.raw == answer
    assert found.outcome is not Outcome.NO_ANSWER
    if request == "0101":
        confirmed = [one for one in known if one.stage in {Stage.CONFIRMED, Stage.PERMANENT}]
        assert found.count == min(len(confirmed), 127)
        assert found.mil is any(one.lamp is Lamp.MIL for one in confirmed)

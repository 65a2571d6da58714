"""The same made-up broadcasts of active codes read by us and by pretty_j1939.

The suite compares a few hundred messages; RIGHTBAY_DIFFERENTIAL=100000 compares so many.
"""

import importlib
import os
import re
from collections.abc import Iterator
from random import Random
from typing import Any

from dtc_db.codes import J1939Dtc
from gateway.decode import decode_frames
from gateway.model import Bus, Frame, Observation, Outcome

COUNT = int(os.environ.get("RIGHTBAY_DIFFERENTIAL", "500"))
FILLERS = {(0, 0), (0x7FFFF, 31)}
CODE = re.compile(r"SPN (\d+) .*FMI (\d+), OC (\d+)")
LAMPS = {
    "mil": "Malfunction Indicator Lamp Status",
    "rsl": "Red Stop Lamp Status",
    "awl": "Amber Warning Lamp Status",
}


def broadcasts(rng: Random) -> Iterator[bytes]:
    """Make messages as trucks send them: lamps lit or not, no code, one, or many."""
    for _ in range(COUNT):
        lamps = sum(rng.choice((0, 1)) << place for place in (0, 2, 4, 6))
        records = [_record(rng) for _ in range(rng.choice((0, 1, 1, 2, 3, rng.randrange(20))))]
        body = bytes((lamps, 0xFF)) + (b"".join(records) or bytes(4))
        yield body.ljust(8, b"\xff") if len(body) < 8 else body


def _record(rng: Random) -> bytes:
    spn, fmi, count = rng.randint(1, 0x7FFFE), rng.randrange(32), rng.randrange(128)
    return (spn & 0xFFFF).to_bytes(2, "little") + bytes((spn >> 16 << 5 | fmi, count))


def frames_of(payload: bytes, source: int) -> list[Frame]:
    if len(payload) <= 8:
        return [Frame(0.0, 0x18FECA00 | source, payload, is_extended=True)]
    chunks = [payload[at : at + 7].ljust(7, b"\xff") for at in range(0, len(payload), 7)]
    length = len(payload).to_bytes(2, "little")
    announcement = b"\x20" + length + bytes((len(chunks), 0xFF, 0xCA, 0xFE, 0x00))
    packets = [bytes((number,)) + chunk for number, chunk in enumerate(chunks, 1)]
    return [
        Frame(0.0, 0x1CECFF00 | source, announcement, is_extended=True),
        *(Frame(0.0, 0x1CEBFF00 | source, one, is_extended=True) for one in packets),
    ]


def test_pretty_j1939_reads_the_same() -> None:
    rng = Random(4)  # noqa: S311 - the same every time
    describe: Any = importlib.import_module("pretty_j1939.describe").get_describer()
    for payload in broadcasts(rng):
        frames = frames_of(payload, rng.randrange(254))
        *_, theirs = (describe(frame.data, frame.can_id) for frame in frames)
        ((ours,), rejections) = decode_frames(frames, bus=Bus.J1939)
        assert rejections == ()
        check(ours, theirs, payload)


def check(ours: Observation, theirs: dict[str, str], payload: bytes) -> None:
    codes = [
        tuple(int(number) for number in found.groups())
        for key, text in theirs.items()
        if key.startswith("DTC ") and (found := CODE.search(text))
    ]
    # It lists fillers, and a code as often as it is sent; 127 is "not available" to us.
    wanted = {
        (J1939Dtc(spn, fmi), None if count == 127 else count)
        for spn, fmi, count in codes
        if (spn, fmi) not in FILLERS
    }
    assert {(one.code, one.occurrence_count) for one in ours.codes} == wanted, payload.hex()
    assert ours.outcome is (Outcome.CODES if wanted else Outcome.NONE_FOUND)
    lamps = dict(ours.lamps)
    for name, theirs_name in LAMPS.items():
        assert (lamps[name] == "on") == (theirs[theirs_name] == "On"), payload.hex()

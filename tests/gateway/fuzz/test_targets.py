"""Bytes at random, guided by what they reach: nothing raises, nothing grows, nothing is slow.

The suite runs the corpus and a few hundred mutations of it. For a long run, guided by coverage,
with atheris installed (it is no requirement of the tests):

    python tests/gateway/fuzz/test_targets.py uds -max_total_time=600

`python tests/gateway/fuzz/test_targets.py` lists the targets; further arguments are libFuzzer's.
The corpus, `corpus/TARGET.txt`, has one input a line, in hex; what a run finds worth keeping is
added by hand.
"""

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time
from types import FunctionType
from zlib import crc32

import pytest

from gateway.decode import OBSERVATIONS_MAX, REJECTIONS_MAX, decode_frames
from gateway.dialects.registry import FOREIGN, Dialect
from gateway.dialects.rightbay import RightbayDialect
from gateway.model import Bus, DeadLetter, Frame, Observation, Rejection, Report
from gateway.protocols import j1939, obd, uds
from gateway.protocols.isotp import Addressing, Reassembler
from gateway.protocols.isotp import Payload as IsoTpPayload
from gateway.protocols.j1939_tp import TransferListener
from gateway.protocols.messages import defaults_of
from gateway.protocols.uds_code import CodeFormat
from gateway.protocols.uds_records import UdsSettings
from simulators.mutations import Change, change_bytes, change_fields, change_json

CORPUS = Path(__file__).parent / "corpus"
SLOW_S = 0.010
MUTATIONS = 300
NOW = datetime(2026, 11, 23, tzinfo=UTC)
# Frames of a fuzzed bus: what answers, what asks, what broadcasts, and what has nothing to say.
IDS: tuple[int, ...] = (
    0x7E8,
    0x7E0,
    0x7DF,
    0x7BB,
    0x123,
    0x18DAF110,
    0x18DA10F1,
    0x18FECA00,
    0x1CECFF00,
)
IDS += (0x1CEBFF00, 0x18EC0100, 0x18EB0100, 0x18EC0001, 0x18EA00F9, 0x18E8FF00, 0x18A30000)
CONVERSIONS = (None, *j1939.Conversion)
SETTINGS = (
    UdsSettings(),
    UdsSettings(code_format=CodeFormat.RAW, did_lengths={0x0102: 2, 0: 0}, extended_length=1),
    UdsSettings(code_format=CodeFormat.J1939, tolerates_zero_padding=False, did_length=1),
)
TOPICS = {
    "traccar": ("positions",),
    "fleetwise": ("fleetwise/v/dtc",),
    "vss": ("vss/v/Vehicle/Diagnostics/DTCList", "vss/v/Vehicle/Diagnostics/DTCCount"),
    "inhand": ("v1/v/obd/info",),
    "openxc": ("openxc/v/diagnostic",),
    "wican": ("wican/v/can/rx",),
    "ovms": ("ovms/u/v/notify/data/xrt.obd.cluster.dtc/7/-12", "ovms/u/v/metric/v/b/soc"),
}


def chunks(data: bytes, *, lead: int) -> Iterator[tuple[bytes, bytes]]:
    """Cut into pieces: a length, so many bytes of head, and the length's bytes of data."""
    at = 0
    while at < len(data):
        start = at + 1 + lead
        end = start + data[at] % 65
        yield data[at + 1 : start].ljust(lead, b"\0"), data[start:end]
        at = end


def pick[T](choices: Sequence[T], data: bytes) -> T:
    """One way to read it for each input, always the same; another input gets another."""
    return choices[crc32(data) % len(choices)]


def check_found(found: Observation | Rejection | None, data: bytes) -> None:
    if found is None:
        return
    assert isinstance(found, Observation | Rejection)
    assert found.raw == data
    if isinstance(found, Observation):
        assert len(found.codes) <= len(data)


def fuzz_obd(data: bytes) -> None:
    check_found(obd.decode(data, ecu="7E8"), data)


def fuzz_kline(data: bytes) -> None:
    check_found(obd.decode(data, ecu="10", is_counted=False), data)


def fuzz_uds(data: bytes) -> None:
    check_found(uds.decode(data, ecu="7E8", settings=pick(SETTINGS, data)), data)


def fuzz_j1939(data: bytes) -> None:
    pgns = (*j1939.SERVICES, j1939.ACKNOWLEDGE_PGN)
    pgn, conversion = pgns[data[0] % len(pgns)] if data else 0, pick(CONVERSIONS, data)
    check_found(j1939.decode(pgn, data[1:], source=0, conversion=conversion), data[1:])


def fuzz_isotp(data: bytes) -> None:
    reassembler = Reassembler(pick((Addressing.NORMAL, Addressing.MIXED), data))
    given = made = 0
    for lead, frame in chunks(data, lead=1):
        given += len(frame)
        for event in reassembler.receive(frame, lead[0] / 100):
            made += len(event.data) if isinstance(event, IsoTpPayload) else 0
    reassembler.finish()
    assert made <= given


def fuzz_j1939_tp(data: bytes) -> None:
    listener = TransferListener()
    for lead, packet in chunks(data, lead=2):
        source, destination, is_control = (
            lead[0] & 1,
            (0, 1, 0xFF, 2)[lead[0] >> 1 & 3],
            lead[1] & 1,
        )
        take = listener.receive_control if is_control else listener.receive_data
        take(source, destination, packet, lead[1] / 10)
    listener.tick(now_s=1e6)
    assert listener.finish() == ()


def fuzz_frames(data: bytes) -> None:
    buses = tuple(Bus)
    bus, data = buses[data[0] % len(buses)] if data else Bus.CAN, data[1:]
    frames = []
    for lead, payload in chunks(data, lead=2):
        can_id = IDS[lead[0] % len(IDS)]
        frames.append(Frame(lead[1] * 10.0, can_id, payload, can_id > 0x7FF))
    observations, rejections = decode_frames(frames, bus=bus)
    assert len(observations) <= OBSERVATIONS_MAX
    assert len(rejections) <= REJECTIONS_MAX + 1


def of_dialect(dialect: Dialect, *topics: str) -> Callable[[bytes], None]:
    def fuzz(data: bytes) -> None:
        for topic in topics:
            found = dialect.parse(topic, data, received_at=NOW)
            assert isinstance(found, Report | DeadLetter)

    return fuzz


TARGETS: dict[str, Callable[[bytes], None]] = {
    "obd": fuzz_obd,
    "kline": fuzz_kline,
    "uds": fuzz_uds,
    "j1939": fuzz_j1939,
    "isotp": fuzz_isotp,
    "j1939_tp": fuzz_j1939_tp,
    "frames": fuzz_frames,
    "rightbay": of_dialect(RightbayDialect(), "rb/1/u/up/report"),
} | {name: of_dialect(make(defaults_of), *TOPICS[name]) for name, make in FOREIGN.items()}


# By the parts of what they read; the others by its bytes.
CHANGES: dict[str, Change] = dict.fromkeys(("rightbay", *FOREIGN), change_json)
CHANGES["ovms"] = change_fields


def run(target: Callable[[bytes], None], data: bytes) -> None:
    """Run one input; slow is what stays slow, in time of our own."""
    for attempt in range(3):
        began_s = process_time()
        target(data)
        if process_time() - began_s < SLOW_S or len(data) > 65_536:
            return
        if attempt == 2:
            raise AssertionError(f"slower than {SLOW_S} s: {data.hex()}")


def corpus_of(name: str) -> list[bytes]:
    file = CORPUS / f"{name}.txt"
    return [bytes.fromhex(line) for line in file.read_text("ascii").splitlines()]


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_raises_grows_or_is_slow(name: str) -> None:
    rng = Random(name)  # noqa: S311 - the same every time: a failure can be looked at again
    corpus = corpus_of(name)
    assert corpus
    change = CHANGES.get(name, change_bytes)
    for data in corpus:
        run(TARGETS[name], data)
    for _ in range(MUTATIONS):
        run(TARGETS[name], change(rng.choice(corpus), rng))


def test_a_decoder_that_raises_or_dawdles_is_noticed() -> None:
    def raises(data: bytes) -> None:
        data[7]

    def dawdles(_data: bytes) -> None:
        began_s = process_time()
        while process_time() - began_s < 2 * SLOW_S:
            pass

    with pytest.raises(IndexError):
        run(raises, b"short")
    with pytest.raises(AssertionError):
        run(dawdles, b"")


# What a run is guided by: our own branches, and those of the reader of JSON.
GUIDED_BY = ("gateway.", "dtc_db.", "json.")


def main() -> None:
    """Fuzz one target, guided by coverage."""
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: PLC0415 - no requirement

    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"say which: {' '.join(TARGETS)}")
    name = sys.argv.pop(1)
    change = CHANGES.get(name, change_bytes)

    def change_or_mix(data: bytes, size_max: int, seed: int) -> bytes:
        rng = Random(seed)  # noqa: S311 - the same every time: a failure can be looked at again
        return change(data, rng)[:size_max] if rng.randrange(2) else atheris.Mutate(data, size_max)

    with TemporaryDirectory() as seeds:
        for number, data in enumerate(corpus_of(name)):
            (Path(seeds) / str(number)).write_bytes(data)
        for one in gc.get_objects():
            if isinstance(one, FunctionType) and str(one.__module__).startswith(GUIDED_BY):
                atheris.instrument_func(one)
        mutator = {"custom_mutator": change_or_mix} if name in CHANGES else {}
        atheris.Setup([*sys.argv, seeds], lambda data: run(TARGETS[name], data), **mutator)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

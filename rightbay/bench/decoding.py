"""Measures the decoders beside the peers: messages a second on one core, and memory."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from gateway.model import Bus, Frame
from gateway.protocols.listener import Listener
from rightbay.bench.contenders import CONTENDERS, OURS, Contender, forget, is_installed
from rightbay.bench.traffic import Traffic, make_traffic, read_traffic
from rightbay.bench.turns import Ratio, Run, compare, time_in_turns

RECORDING_TIMES = 20
MEMORY_FRAMES, MEMORY_IDS = 1_000_000, 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One contender on one kind of traffic.

    Attributes:
        kind: Of traffic.
        codes: ``known``, ``fresh`` or, where no codes were drawn, empty.
        per_s: Messages a second, of idle traffic frames; the median of the rounds.
        frames_per_s: The same in frames.
        slower: How many times slower than we are; None for ourselves.
    """

    kind: str
    codes: str
    name: str
    per_s: float
    frames_per_s: float
    slower: Ratio | None


def measure_speed(*, messages: int, rounds: int, recording: Path | None) -> Iterator[Row]:
    """Measure every kind of traffic; rows of one kind come together, ourselves first."""
    logging.getLogger("j1939").setLevel(logging.CRITICAL)  # it complains of old SPN packing
    known = make_traffic(messages, is_fresh=False)
    for traffic in known:
        codes = "" if traffic.name == "idle" else "known"
        yield from _measure(traffic, codes, rounds)
    if recording is not None:
        yield from _measure(read_traffic(recording, times=RECORDING_TIMES), "known", rounds)
    for traffic in make_traffic(messages, is_fresh=True, seed=2):
        if traffic.name != "idle":
            yield from _measure(traffic, "fresh", rounds)


def absent_peers() -> list[str]:
    """Name the peers that are not installed."""
    return [one.name for one in CONTENDERS if not is_installed(one)]


def _measure(traffic: Traffic, codes: str, rounds: int) -> Iterator[Row]:
    taking = [one for one in CONTENDERS if traffic.name in one.kinds and is_installed(one)]
    runs = {one.name: _prepare(one, traffic) for one in taking}
    rates = time_in_turns(runs, rounds=rounds, before=forget if codes == "fresh" else lambda: None)
    frames_per_piece = len(traffic.frames) / (traffic.answers or len(traffic.frames))
    for one in taking:
        per_s = median(rates[one.name])
        joins = one.name.endswith("joining only") and f"{OURS}, joining only" in rates
        ours = f"{OURS}, joining only" if joins else OURS
        yield Row(
            kind=traffic.name,
            codes=codes,
            name=one.name,
            per_s=per_s,
            frames_per_s=per_s * frames_per_piece,
            slower=None if one.name.startswith(OURS) else compare(rates[ours], rates[one.name]),
        )


def _prepare(contender: Contender, traffic: Traffic) -> Run:
    run = contender.prepare(traffic)
    if traffic.answers:
        return run
    count = len(traffic.frames)

    def run_counting_frames() -> int:
        run()
        return count

    return run_counting_frames


@dataclass(frozen=True, slots=True)
class Memory:
    """What a listener holds after many frames of many ids."""

    frames: int
    ids: int
    growth_kib: int


def measure_memory(*, frames: int = MEMORY_FRAMES, ids: int = MEMORY_IDS) -> Memory:
    """Let one listener hear frames of many ids; the first tenth, which fills it, does not count."""
    process = psutil.Process()
    listener = Listener(Bus.CAN)

    def traffic(count: int) -> Iterator[Frame]:
        # Announced answers that never end, and packets of transfers that never began, among others.
        data = bytes.fromhex("1010430401010102")
        for number in range(count):
            is_extended = number % 2 == 0
            can_id = 0x18DA0000 + number % ids if is_extended else number % min(ids, 0x800)
            yield Frame(number / 10, can_id, data, is_extended)

    for _ in listener.hear(traffic(frames // 10)):
        pass
    before = process.memory_info().rss
    for _ in listener.hear(traffic(frames)):
        pass
    return Memory(frames, ids, (process.memory_info().rss - before) // 1024)

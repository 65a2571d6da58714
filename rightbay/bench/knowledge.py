"""Times the knowledge of codes: loading it, and asking meaning, urgency and need of one code.

*Warm* asks for what was asked before, as a fleet's codes are; *cold* asks each question for the
first time, memories emptied. A bare dictionary of finished texts is what neither can beat.
"""

import gc
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from dtc_db.codes import Code, J1939Dtc, J2012Dtc
from dtc_db.knowledge import Knowledge
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from rightbay.bench.turns import Ratio, compare, time_in_turns

WARM_CODES = 300  # of a fleet
_SEED = 20_261_126

# Of a process that loads the knowledge and nothing else: time on the clock, time of the processor,
# and how far its memory grew. Imports come first and are not counted.
_LOAD = """
import gc, psutil
from time import perf_counter, process_time
from dtc_db.knowledge import Knowledge
gc.collect()
before = psutil.Process().memory_info().rss
wall, cpu = perf_counter(), process_time()
knowledge = Knowledge.load()
wall, cpu = perf_counter() - wall, process_time() - cpu
print(wall, cpu, psutil.Process().memory_info().rss - before)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What loading took, the median of several new processes."""

    wall_ms: float
    processor_ms: float
    memory_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Answers a second and core, and how many times slower that is than a bare dictionary."""

    name: str
    per_s: float
    slower: Ratio


def measure_load(*, rounds: int) -> Loaded:
    """Load in new processes, one after another; the first one warms the disk and does not count."""
    rows: list[list[float]] = []
    for number in range(rounds + 1):
        done = subprocess.run(  # noqa: S603 - our own interpreter on our own text
            [sys.executable, "-c", _LOAD], check=True, capture_output=True, text=True
        )
        if number:
            rows.append([float(part) for part in done.stdout.split()])
    wall_s, processor_s, memory = (median(column) for column in zip(*rows, strict=True))
    return Loaded(wall_ms=wall_s * 1e3, processor_ms=processor_s * 1e3, memory_mib=memory / 2**20)


def measure_answers(*, codes: int, rounds: int) -> tuple[Answered, ...]:
    """Ask about so many codes, warm and cold, beside a dictionary of texts.

    Args:
        codes: To draw for the cold run, each another one; three quarters are of cars.
        rounds: Of which the median counts.
    """
    knowledge = Knowledge.load()
    vehicle = VehicleKind(vehicle_class=VehicleClass.CAR, powertrain=Powertrain.BEV, make="kia")
    drawn = draw_codes(codes)
    known = (drawn[:WARM_CODES] * (codes // WARM_CODES + 1))[:codes]
    texts = {code: str(code) for code in drawn}

    def ask(asked: Sequence[Code], whom: Knowledge) -> int:
        for code in asked:
            whom.assess(code, vehicle, status="confirmed")
        return len(asked)

    def look_up(asked: Sequence[Code]) -> int:
        for code in asked:
            texts.get(code)
        return len(asked)

    ask(known, knowledge)
    rates = time_in_turns(
        {
            "bare dictionary": lambda: look_up(known),
            "warm": lambda: ask(known, knowledge),
            # Other lists make another knowledge, which remembers nothing yet.
            "cold": lambda: ask(drawn, knowledge.with_layers(())),
        },
        rounds=rounds,
        before=_collect,
    )
    bare = rates["bare dictionary"]
    return tuple(
        Answered(name=name, per_s=median(rates[name]), slower=compare(bare, rates[name]))
        for name in ("warm", "cold")
    )


def _collect() -> None:
    gc.collect()


def draw_codes(count: int) -> list[Code]:
    """So many different codes, always the same."""
    drawn = random.Random(_SEED)  # noqa: S311 - no secret
    cars: list[Code] = [J2012Dtc(number) for number in drawn.sample(range(0x10000), count * 3 // 4)]
    trucks: list[Code] = [
        J1939Dtc(spn, spn % 32) for spn in drawn.sample(range(1, 8000), count - len(cars))
    ]
    mixed = cars + trucks
    drawn.shuffle(mixed)
    return mixed

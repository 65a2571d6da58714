"""Times contenders in turns, so that a busy moment of the machine hits all of them alike.

What counts is the processor's time, not the clock's: rates are those of one core of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import process_time

Run = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times faster one is than another, over the rounds of one measurement."""

    median: float
    low: float
    high: float


def time_in_turns(
    runs: Mapping[str, Run], *, rounds: int, before: Callable[[], None]
) -> dict[str, list[float]]:
    """Measure, each once a round, in an order that shifts with the rounds.

    Args:
        runs: By name; each does its work and returns how many pieces it got done.
        rounds: After one that does not count.
        before: Called before each run, and not timed.

    Returns:
        Pieces a second, by name, one for each round.
    """
    names = list(runs)
    rates: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            before()
            began_s = process_time()
            done = runs[name]()
            took_s = process_time() - began_s
            if number:
                rates[name].append(done / took_s)
    return rates


def compare(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Divide round by round."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return Ratio(median(ratios), min(ratios), max(ratios))

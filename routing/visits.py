"""Where no place can take all that is wrong: a list for as much as one place can take.

    a list for all of it ─▶ somebody is on it ─▶ that one
                      └─▶ nobody is ─▶ one for the gravest work, and what else the same place can do

What is left over stands in the document, and a notice says that it takes another visit. A list for
less than the gravest work is never made: who drives to it would have the worst fault still.
"""

from collections import defaultdict
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING

from dtc_db.rules import Role
from routing.cases import Weighed, gravest_first
from routing.decision import Case, Decision

if TYPE_CHECKING:
    from dtc_db.need import Expression

# Kinds of work that are tried; those of more are left for another visit untried.
WORKS_MAX = 8


def works(weighed: Weighed) -> tuple[frozenset[int], ...]:
    """The causes by what mending them takes, the gravest work first.

    Returns:
        Places in `weighed.faults`; each cause in exactly one set.
    """
    places: dict[tuple[Expression, frozenset[str], frozenset[str]], list[int]] = defaultdict(list)
    causes = [
        (gravest_first(each), place)
        for place, each in enumerate(weighed.faults)
        if each.judged.role is Role.CAUSE
    ]
    for _, place in sorted(causes):
        need = weighed.faults[place].after.need
        places[need.skills, need.access, need.equipment].append(place)
    return tuple(map(frozenset, places.values()))


def decide_visit(
    weighed: Weighed,
    *,
    joined: Callable[[frozenset[int]], Case],
    decided: Callable[[Case], Decision],
) -> Decision:
    """Make the list for one visit to one place.

    Args:
        weighed: The faults of the vehicle.
        joined: Makes a case of them that leaves the causes at these places for another visit.
        decided: Makes the list for a case.
    """
    whole = decided(joined(frozenset()))
    others = works(weighed)[1:]
    if not others or _is_answered(whole):
        return whole
    left = frozenset(chain.from_iterable(others))
    best = decided(joined(left))
    if not _is_answered(best):
        return whole
    for work in others[: WORKS_MAX - 1]:
        tried = decided(joined(left - work))
        if _is_answered(tried):
            best, left = tried, left - work
    return best


def _is_answered(decision: Decision) -> bool:
    return bool(decision.offers or decision.free_choice)

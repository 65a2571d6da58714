"""Absences in one cell: days or spans of days, such as ``2026-12-24/2027-01-02;2027-05-07``."""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise

from routing.model import Absence

ABSENCES_MAX = 100


def parse_absences(text: str) -> tuple[Absence, ...]:
    """Read a cell; an empty one means none.

    Raises:
        ValueError: If a part is no day and no span of days, ends before it begins, overlaps
            another one, or if there are more than `ABSENCES_MAX`.
    """
    parts = [part.strip() for part in text.split(";")] if text else []
    if len(parts) > ABSENCES_MAX:
        raise ValueError(f"expected at most {ABSENCES_MAX} absences, got {len(parts)}")
    absences = sorted(map(_parse, parts), key=lambda absence: absence.first)
    for one, next_one in pairwise(absences):
        if next_one.first <= one.last:
            raise ValueError(f"the absence from {next_one.first} overlaps the one before")
    return tuple(absences)


def format_absences(absences: Iterable[Absence]) -> str:
    """The inverse of `parse_absences`."""
    return ";".join(
        f"{absence.first}" if absence.first == absence.last else f"{absence.first}/{absence.last}"
        for absence in absences
    )


def _parse(text: str) -> Absence:
    first, slash, last = text.partition("/")
    try:
        begins = date.fromisoformat(first)
        return Absence(begins, date.fromisoformat(last) if slash else begins)
    except ValueError as error:
        raise ValueError(
            f"expected days such as 2026-12-24/2027-01-02, got {text!r:.40}: {error}"
        ) from None

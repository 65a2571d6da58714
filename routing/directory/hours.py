"""When the sites of a directory are open in the days from one day on, for many arrivals at once.

Each site's hours are read once, when somebody first asks, and kept as the first few spans in which
it is open. What does not fit (too many spans, hours that are unknown at times, arrivals after the
days that were read) is asked of `find_opening` itself, whose answers these are.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from routing.directory.opening import DAY_S, Opening, Openness, find_opening, hours_of, open_spans
from routing.model import Site

if TYPE_CHECKING:
    from routing.directory.snapshot import Directory

ARRIVALS_S_MAX = 2 * DAY_S  # from the beginning of the day: arrivals until then are in the table
LOOKAHEAD_S = 31 * DAY_S  # the longest deadline of a policy, and a day
_SPANS = 8  # that are kept; after them stands one that never begins
_NEVER_S = 2**31 - 1
_DAYS_MAX = 2  # kept at a time: the day of now, and the one that just began or ended
OPENNESS = tuple(Openness)


class _State(IntEnum):
    """What is known of a site's hours; arrays begin with the first."""

    UNREAD = 0
    READ = 1
    UNKNOWN = 2  # no hours, or none that can be read
    ODD = 3  # not to be had from the table


class HoursTable:
    """The open spans of all sites around one day."""

    def __init__(self, sites: Sequence[Site], day: date) -> None:
        """Begin with nothing read.

        Args:
            sites: Of a directory, in its order.
            day: By UTC.
        """
        self._sites = sites
        self._start = datetime.combine(day, time(), UTC)
        # In seconds from the start of the day; what is not filled never begins, and so never ends.
        self._begin_s = np.full((len(sites), _SPANS + 1), _NEVER_S, dtype=np.int32)
        self._end_s = self._begin_s.copy()
        self._state = np.zeros(len(sites), dtype=np.int8)

    def look(
        self, rows: NDArray[np.intp], arrives_s: NDArray[np.float64], *, deadline: timedelta
    ) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """What somebody finds who arrives at these sites at these times.

        Args:
            rows: Places in the directory; at least one.
            arrives_s: From the beginning of the day, in the same shape.
            deadline: How long a door may stay closed.

        Returns:
            Places in `OPENNESS`, and the seconds until the door opens; in the same shape.
        """
        state = self._state.take(rows)
        if not state.all():
            self._read(np.unique(rows[state == _State.UNREAD]))
            state = self._state.take(rows)
        # The first span that has not ended; the one that never begins has not.
        ends_s = self._end_s.take(rows, axis=0)
        chosen = np.argmax(ends_s > arrives_s[..., None], axis=-1)
        chosen += rows * (_SPANS + 1)
        away_s = np.maximum(self._begin_s.take(chosen) - arrives_s, 0.0)
        is_found = away_s < deadline.total_seconds()
        wait_s = np.rint(away_s).astype(np.int64)
        wait_s *= is_found
        openness = np.where(is_found, wait_s > 0, np.int8(_CLOSED))  # _OPEN and _LATER are 0 and 1
        if state.max() > _State.READ or arrives_s.max() >= ARRIVALS_S_MAX:
            is_unknown = state == _State.UNKNOWN
            openness[is_unknown], wait_s[is_unknown] = _UNKNOWN, 0
            odd = ((state == _State.ODD) | (arrives_s >= ARRIVALS_S_MAX)) & ~is_unknown
            for place in zip(*np.nonzero(odd), strict=True):
                found = self.find(int(rows[place]), float(arrives_s[place]), deadline=deadline)
                openness[place], wait_s[place] = OPENNESS.index(found.openness), found.wait_s
        return openness, wait_s

    def find(self, row: int, arrives_s: float, *, deadline: timedelta) -> Opening:
        """The same for one site, from its hours."""
        site, at = self._sites[row], self._start + timedelta(seconds=arrives_s)
        return find_opening(hours_of(site), site.position, at=at, deadline=deadline)

    def _read(self, rows: NDArray[np.intp]) -> None:
        for row in rows.tolist():
            site = self._sites[row]
            spans = open_spans(
                hours_of(site),
                site.position,
                start=self._start,
                until_s=ARRIVALS_S_MAX,
                lookahead_s=LOOKAHEAD_S,
            )
            if spans is None:
                self._state[row] = _State.UNKNOWN
            elif not spans.is_certain or len(spans.spans_s) > _SPANS:
                self._state[row] = _State.ODD
            else:
                self._state[row] = _State.READ
                for number, (begin_s, end_s) in enumerate(spans.spans_s):
                    self._begin_s[row, number], self._end_s[row, number] = begin_s, end_s


_OPEN, _LATER, _CLOSED, _UNKNOWN = (
    OPENNESS.index(one)
    for one in (Openness.OPEN, Openness.LATER, Openness.CLOSED, Openness.UNKNOWN)
)
IS_CLOSED, IS_UNKNOWN = _CLOSED, _UNKNOWN


def hours_table(directory: "Directory", day: date) -> HoursTable:
    """The directory's table for a day, kept for the next question on it."""
    table = directory.hours.get(day)
    if table is None:
        table = directory.hours[day] = HoursTable(directory.sites, day)
        if len(directory.hours) > _DAYS_MAX:
            directory.hours.popitem(last=False)
    return table

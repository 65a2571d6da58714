"""What a telematics unit decides: when a reading is news, and when a report is sent again.

Values in, values out; the time is an argument, and chance is a number between 0 and 1.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

RESEND_S_MIN = 4.0
RESEND_S_MAX = 60.0
SEND_BATCH_MAX = 20
"""Reports sent at one time; the rest of a backlog follows with the next batch."""


def resend_wait_s(attempt: int, *, chance: float) -> float:
    """Return how long to wait for a receipt before the report is sent again.

    4 to 8 s after the first attempt, doubling, 30 to 60 s at most: the upper half of each step is
    left to chance, so that units that lost the same broker do not come back all at once.

    Args:
        attempt: How often it has been sent, 1 or more.
        chance: 0 to 1, evenly spread.
    """
    high_s = min(RESEND_S_MAX, 2 * RESEND_S_MIN * 2.0 ** min(attempt - 1, 16))
    return high_s / 2 * (1 + chance)


class News(StrEnum):
    """Why a reading is worth a report."""

    CHANGED = "changed"
    HEARTBEAT = "heartbeat"


class Watch:
    """Tells what is new on a bus from what has been reported already."""

    def __init__(self, *, heartbeat_s: float) -> None:
        self._heartbeat_s = heartbeat_s
        self._reported: frozenset[tuple[int, bytes]] | None = None
        self._reported_s = 0.0

    def judge(self, answers: frozenset[tuple[int, bytes]], *, now_s: float) -> News | None:
        """Say whether to report these answers; if so, they count as reported."""
        if answers != self._reported:
            news = News.CHANGED
        elif now_s - self._reported_s >= self._heartbeat_s:
            news = News.HEARTBEAT
        else:
            return None
        self._reported = answers
        self._reported_s = now_s
        return news


@dataclass(slots=True)
class _Waiting:
    """A report without a receipt.

    Attributes:
        attempts: How often it was sent since the unit started.
        due_s: When to send it next.
    """

    attempts: int
    due_s: float


class Outbox:
    """Which reports wait for a receipt, and when each is sent next.

    Its length is that of the spool, which bounds it.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, report_id: str, *, due_s: float) -> None:
        """Let a report wait; it is due at once or, after a restart, at a chosen time."""
        self._waiting[report_id] = _Waiting(0, due_s)

    def due(self, *, now_s: float) -> list[str]:
        """Return what to send now, oldest first, ``SEND_BATCH_MAX`` at most."""
        ids = [key for key, waiting in self._waiting.items() if waiting.due_s <= now_s]
        return ids[:SEND_BATCH_MAX]

    def sent(self, report_id: str, *, now_s: float, chance: float) -> int:
        """Note that a report was sent; return how often that is now."""
        waiting = self._waiting[report_id]
        waiting.attempts += 1
        waiting.due_s = now_s + resend_wait_s(waiting.attempts, chance=chance)
        return waiting.attempts

    def forget(self, report_ids: Iterable[str]) -> None:
        """Let reports go: their receipt came, or there was no room for them any more."""
        for report_id in report_ids:
            self._waiting.pop(report_id, None)

    @property
    def deadline_s(self) -> float | None:
        """When the next report is due; None if none waits."""
        return min((waiting.due_s for waiting in self._waiting.values()), default=None)

"""Takes dead letters again, after whatever could not read them was mended.

    letter ─▶ parse (as when it came) ─▶ a report: store, then note that it was taken
                                      ─▶ still none: note that it was tried, and keep it

Doing it again changes nothing: a report that was stored before is stored once. What came long ago
is old news and raises no alarm.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from gateway.clock import OLD_S_MIN
from gateway.errors import ReportRefusedError
from gateway.model import DeadLetter, Report
from gateway.ports import ReportStore

Parse = Callable[[str, bytes, datetime], Report | DeadLetter]


class Replayed(StrEnum):
    """What became of a letter."""

    STORED = "stored"
    UNREADABLE = "unreadable"  # still no report
    REFUSED = "refused"  # a report that the database still does not take


async def replay_letter(  # noqa: PLR0913 - a message, its time and ours, and who takes it
    topic: str,
    raw: bytes,
    *,
    arrived_at: datetime,
    now: datetime,
    parse: Parse,
    store: ReportStore,
) -> Replayed:
    """Hand a message to the gateway again.

    Args:
        topic: As it came; one that no dialect reads stays unreadable.
        raw: The whole payload.
        arrived_at: When it first came: that is when what it says was news.
        now: Decides whether it still is.
        parse: As for `gateway.service.serve`.
        store: Likewise.

    Raises:
        StoreUnavailableError: Nothing is known of this letter; trying again is safe.
    """
    report = parse(topic, raw, arrived_at)
    if isinstance(report, DeadLetter):
        return Replayed.UNREADABLE
    if (now - arrived_at).total_seconds() > OLD_S_MIN:
        report = report._replace(is_historical=True)
    try:
        await store.store((report,), ())
    except ReportRefusedError:
        return Replayed.REFUSED
    return Replayed.STORED

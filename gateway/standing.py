"""What a vehicle says over and over: whether one more report of it changes anything, and what.

Most reports repeat the one before. The first of them is worked through by `gateway.episodes`; if
saying the same again could change nothing but when its faults were last seen, the vehicle has a
*standing*, and what only repeats it needs no look at a single episode:

    report ──says what stands, and is not older──▶ the standing moves on
       └─────else──▶ episodes settled, advanced ──▶ a new standing, or none

The times of the faults that a standing covers are those of the standing; `settled` puts them back.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from dtc_db.codes import Code
from gateway.clock import Reading
from gateway.episodes import Episode, advance
from gateway.evidence import FREEZE_FRAME
from gateway.model import Observation, Outcome, Report

# Stands in every digest: to be counted up when episodes come to be read differently, so that no
# standing outlives the rules under which nothing changed.
RULES = 1
DIGEST_LENGTH = 16
# Digests are kept of what is said in few words, which is nearly all.
OBSERVATIONS_REMEMBERED_MAX, LENGTH_REMEMBERED_MAX = 4, 64
DIGESTS_REMEMBERED_MAX = 2_048

Key = tuple[str, Code]


class Standing(NamedTuple):
    """What the vehicle's latest report said of its faults; a tuple. Named arguments.

    Attributes:
        digest: Of all that episodes are made of, `DIGEST_LENGTH` bytes.
        last_seen_at: When it was last said, by our clock.
        observed_at: When it was last true, by our clock.
        seq: The unit's own count of that report.
    """

    digest: bytes
    last_seen_at: datetime
    observed_at: datetime
    seq: int | None


def says_of_faults(report: Report) -> bytes | None:
    """Digest what a report says about faults; None if it says nothing at all."""
    heard = report.observations
    is_short = len(heard) <= OBSERVATIONS_REMEMBERED_MAX and all(
        len(each.raw) + len(each.codes) <= LENGTH_REMEMBERED_MAX for each in heard
    )
    return _known_digest(heard) if is_short else _digest(heard)


def _digest(heard: tuple[Observation, ...]) -> bytes | None:
    said = [_words(each) for each in heard if _speaks(each)]
    if not said:
        return None
    return blake2b(repr((RULES, said)).encode(), digest_size=DIGEST_LENGTH).digest()


_known_digest = lru_cache(maxsize=DIGESTS_REMEMBERED_MAX)(_digest)


def repeat(
    standing: Standing | None, said: bytes, report: Report, reading: Reading
) -> Standing | None:
    """Move a standing on if this report only repeats it; None if episodes have to be looked at."""
    if standing is None or said != standing.digest:
        return None
    if not reading.is_live or reading.held_back_since is not None:
        return None
    if reading.observed_at < standing.observed_at or _counts_back(standing.seq, report.seq):
        return None
    return Standing(
        digest=said,
        last_seen_at=max(standing.last_seen_at, report.received_at),
        observed_at=reading.observed_at,
        seq=report.seq,
    )


def settled(episode: Episode, standing: Standing) -> Episode:
    """Give an episode that a standing covers the times of that standing."""
    return episode._replace(
        last_seen_at=standing.last_seen_at,
        observed_at=standing.observed_at,
        seq=standing.seq,
    )


def stand(
    latest: Collection[Episode], report: Report, reading: Reading
) -> tuple[Standing, frozenset[Key]] | None:
    """Say what stands after a report was taken into account, and which faults that covers.

    Asked is what would come of the same words said again later than everything that is known, so
    that no order of reports can hold anything back.

    Args:
        latest: The latest episode of each fault, after the report.
        report: The one that was taken last.
        reading: Its time.
    """
    said = says_of_faults(report)
    if said is None or not reading.is_live:
        return None
    times = [report.received_at, reading.observed_at]
    times += [each.last_seen_at for each in latest] + [each.observed_at for each in latest]
    later = report._replace(received_at=max(times))
    again = advance(latest, later, Reading(observed_at=max(times), is_ordered=True))
    standing = Standing(
        digest=said,
        last_seen_at=report.received_at,
        observed_at=reading.observed_at,
        seq=report.seq,
    )
    before = {(each.ecu, each.code): each for each in latest}
    listed = {
        (each.ecu, reported.code)
        for each in report.observations
        for reported in each.codes
        if reported.status is not None
    }
    # A listed fault that is off waits for its time to return, and time passes.
    if again.transitions or any(before[key].off_at is not None for key in listed):
        return None
    is_settled = all(
        before[each.ecu, each.code] == settled(each, standing) for each in again.episodes
    )
    return (standing, frozenset(_keys(again.episodes))) if is_settled else None


def _keys(episodes: Iterable[Episode]) -> Iterable[Key]:
    return ((each.ecu, each.code) for each in episodes)


def _speaks(observation: Observation) -> bool:
    """Whether episodes may follow from it, end by it, or find their evidence in it."""
    is_data = observation.outcome is Outcome.DATA and observation.mask is None
    return not is_data or observation.service == FREEZE_FRAME


def _words(observation: Observation) -> tuple[object, ...]:
    """All of it that `gateway.episodes` and `gateway.evidence` read."""
    is_kept = observation.service == FREEZE_FRAME
    codes = [
        (
            str(each.code),
            each.status and each.status.value,
            each.status_byte,
            each.occurrence_count,
            each.is_uncertain,
            each.records,
        )
        for each in observation.codes
    ]
    return (
        observation.ecu,
        observation.service,
        observation.outcome.value,
        observation.is_complete,
        observation.mask,
        observation.lamps,
        codes,
        (observation.raw, observation.signals) if is_kept else None,
    )


def _counts_back(before: int | None, now: int | None) -> bool:
    return before is not None and now is not None and now < before

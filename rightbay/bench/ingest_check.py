"""Holds what the database has against what a load planned, report by report.

Looks at the tables from outside, as an auditor would: it uses none of the service's statements.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from simulators.load.plan import REFUSED, Kind, Load, sendings
from simulators.load.report import codes_of, number_of, unit_of
from storage.pool import Connection, Pool

EVENTS = "select event_id from event"
# A part of a report that is stored has a dead letter too; those are not counted here.
DEAD_LETTERS = """
select event_id, case when event_id is null then raw end as raw
from dead_letter
where reason in ('topic', 'too_large', 'not_utf8', 'not_json', 'schema', 'id_conflict')
"""
EPISODES = """
select v.unit, e.code, count(*) as times
from episode as e
join vehicle as v using (vehicle_id)
group by v.unit, e.code
"""
WITHOUT_CASE = """
select count(*)
from episode as e
where
    e.is_raised
    and e.off_at is null
    and not exists (
        select from case_episode as c
        where c.vehicle_id = e.vehicle_id and c.episode_id = e.episode_id
    )
"""
IN_TWO_CASES = """
select count(*)
from (
    select from case_episode group by vehicle_id, episode_id having count(distinct case_id) > 1
) as twice
"""
OPEN_TWICE = """
select count(*)
from (
    select from repair_case where closed_at is null group by vehicle_id having count(*) > 1
) as twice
"""
REFERRED_TWICE = """
select count(*)
from (
    select from referral group by vehicle_id, case_id, need_digest, urgency having count(*) > 1
) as twice
"""
NOT_PUSHED = "select count(*) from outbox where delivered_at is null"
DUE = "select count(*) from work where due_at <= now()"
_STORED, _DEAD = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the database holds of a load; only the first five may be other than 0.

    Attributes:
        planned: Distinct reports that were due.
        stored: Of these, taken as reports.
        dead_letters: Of these, kept as messages that are none.
        episodes: Faults that were on.
        cases: Open or closed.
        lost: Planned, and neither stored nor kept.
        misfiled: Poison that was stored, a report that was not, or both at once.
        strange: Ids of this load that were never planned.
        episodes_wrong: Faults on more than once, in no stored report, or in one and never on.
        without_case: Episodes that are on and raised, and in no case.
        doubled: Episodes in two cases, vehicles with two open cases, referrals that only repeat.
        not_pushed: Referrals that no broker has.
    """

    planned: int
    stored: int
    dead_letters: int
    episodes: int
    cases: int
    lost: int
    misfiled: int
    strange: int
    episodes_wrong: int
    without_case: int
    doubled: int
    not_pushed: int

    @property
    def is_whole(self) -> bool:
        """Whether nothing was lost, invented or doubled."""
        may_differ = {"planned", "stored", "dead_letters", "episodes", "cases"}
        return not any(getattr(self, f.name) for f in fields(self) if f.name not in may_differ)


async def check(pool: Pool, load: Load, *, due: int | None = None) -> Found:
    """Compare; the service should have nothing left to do.

    Args:
        pool: The service's database, which this load has to itself.
        load: What was sent.
        due: Distinct reports that were sent, if not all of them were.
    """
    planned = load.reports if due is None else due
    marks = bytearray(load.reports)
    async with pool.acquire() as connection, connection.transaction():
        strange = await _mark(connection, load, marks)
        kinds, expected = _expected(load, marks)
        found: dict[tuple[str, str], int] = {
            (row["unit"], row["code"]): row["times"] for row in await connection.fetch(EPISODES)
        }
        counts = {
            query: await connection.fetchval(query)
            for query in (WITHOUT_CASE, IN_TWO_CASES, OPEN_TWICE, REFERRED_TWICE, NOT_PUSHED)
        }
        cases = await connection.fetchval("select count(*) from repair_case")
    wrong = sum(times != 1 for times in found.values()) + len(expected ^ found.keys())
    return Found(
        planned=planned,
        stored=sum(mark & _STORED > 0 for mark in marks),
        dead_letters=sum(mark & _DEAD > 0 for mark in marks),
        episodes=sum(found.values()),
        cases=cases,
        lost=marks.count(0) - (load.reports - planned),
        misfiled=sum(
            mark not in (0, _DEAD if kinds.get(number) in REFUSED else _STORED)
            for number, mark in enumerate(marks)
        ),
        strange=strange,
        episodes_wrong=wrong,
        without_case=counts[WITHOUT_CASE],
        doubled=counts[IN_TWO_CASES] + counts[OPEN_TWICE] + counts[REFERRED_TWICE],
        not_pushed=counts[NOT_PUSHED],
    )


async def is_busy(pool: Pool) -> bool:
    """Say whether a decision or a push is still to be made."""
    return bool(await pool.fetchval(DUE) or await pool.fetchval(NOT_PUSHED))


async def _mark(connection: Connection, load: Load, marks: bytearray) -> int:
    strange = 0
    async for row in connection.cursor(EVENTS, prefetch=10_000):
        strange += not _set(marks, number_of(load, row["event_id"]), _STORED)
    async for row in connection.cursor(DEAD_LETTERS, prefetch=1_000):
        number = _number(load, row)
        strange += not _set(marks, number, _DEAD)
    return strange


def _number(load: Load, row: Mapping[str, object]) -> int | None:
    event_id, raw = row["event_id"], row["raw"]
    if isinstance(event_id, str):
        return number_of(load, event_id)
    found = re.search(
        re.escape(load.run).encode() + rb"-([0-9a-f]+)", raw if isinstance(raw, bytes) else b""
    )
    return None if found is None else int(found[1], 16)


def _set(marks: bytearray, number: int | None, mark: int) -> bool:
    if number is None or not 0 <= number < len(marks):
        return False
    marks[number] |= mark
    return True


def _expected(load: Load, marks: bytearray) -> tuple[dict[int, Kind], set[tuple[str, str]]]:
    """What is poison, and which faults stand in the reports that were stored."""
    poison: dict[int, Kind] = {}
    faults: set[tuple[str, str]] = set()
    for sending in sendings(load):
        if sending.kind not in (Kind.LIVE, Kind.LATE):
            poison[sending.number] = sending.kind
        elif marks[sending.number]:
            unit = unit_of(load, sending.number)
            faults.update((unit, code) for code in codes_of(load, sending.number))
    return poison, faults

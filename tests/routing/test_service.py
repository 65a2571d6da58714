"""The router's loop: what it reads again, what it survives, and whom it keeps waiting."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from dtc_db.knowledge import Knowledge
from dtc_db.own_rules import Effect, OwnRule
from routing import service
from routing.directory.snapshot import Directory
from routing.errors import CasesUnavailableError, VerdictRefusedError
from routing.matching.policy import load_policy
from routing.ports import Added, Claim, Close, Decided, Refer, Verdict, Wait
from routing.testing import NOW, claim, claimed, one_garage

IGNORE = OwnRule(effect=Effect.IGNORE, pattern="P0128", by="a manager", at=NOW, rule_id="4")


class _Cases:
    """A case store with a few claims; the loop ends when all that it gave is decided and written.

    Attributes:
        groups: What was written in one go, by unit.
    """

    def __init__(self, *answers: Sequence[Claim] | Exception) -> None:
        self._answers = list(answers)
        self._left = sum(len(each) for each in answers if not isinstance(each, Exception))
        self._ended = asyncio.Event()
        self.verdicts: list[Verdict] = []
        self.groups: list[list[str]] = []

    async def claim(self, *, limit: int, lease_s: float) -> Sequence[Claim]:
        del limit, lease_s
        if not self._answers:
            async with asyncio.timeout(5):
                await self._ended.wait()
            raise asyncio.CancelledError
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def complete(self, decided: Sequence[Decided]) -> frozenset[UUID]:
        self.groups.append([claim.unit for claim, _ in decided])
        self.verdicts += [verdict for _, verdict in decided]
        self._left -= len(decided)
        if not self._left:
            self._ended.set()
        return frozenset(claim.vehicle_id for claim, _ in decided)

    async def wait_for_work(self, *, timeout_s: float) -> None:
        del timeout_s


class _Directories:
    async def fetch_version(self) -> str:
        return "1"

    async def fetch_directory(self) -> Directory:
        return one_garage()


class _AddedRules:
    """Customers' rules that change with each look."""

    def __init__(self, *rules: Sequence[OwnRule]) -> None:
        self._rules = list(rules)
        self.version = 0

    async def fetch_version(self) -> str:
        return str(self.version + 1 if self._rules else self.version)

    async def fetch_added(self) -> Added:
        self.version += 1
        return Added(version=str(self.version), rules=self._rules.pop(0))


async def serve(cases: _Cases, added: _AddedRules | None = None) -> None:
    with pytest.raises(asyncio.CancelledError):
        await service.serve(
            cases,
            _Directories(),
            knowledge=Knowledge.load(),
            policy=load_policy(),
            now=lambda: NOW,
            added=added,
        )


async def test_a_rule_that_was_made_or_undone_meanwhile_is_read_before_the_next_decision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "DIRECTORY_CHECK_S", 0)
    asked = [claim(claimed("P0128"))]
    cases = _Cases(asked, asked, asked)
    await serve(cases, _AddedRules([], [IGNORE], []))
    assert [type(verdict) for verdict in cases.verdicts] == [Refer, Close, Refer]


async def test_a_database_that_is_away_for_a_moment_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "RETRY_S_MIN", 0)
    cases = _Cases(CasesUnavailableError("away"), [claim(claimed("P0128"))])
    await serve(cases)
    assert [type(verdict) for verdict in cases.verdicts] == [Refer]


FAULTY = [claim(claimed("P0128"), unit=f"u{number}") for number in range(6)]


async def test_what_is_decided_while_a_group_is_written_makes_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Far(_Cases):
        async def complete(self, decided: Sequence[Decided]) -> frozenset[UUID]:
            async with asyncio.timeout(5):
                await all_decided.wait()
            return await super().complete(decided)

    def decide(asked: Claim, **_: object) -> Verdict:
        if asked is FAULTY[-1]:
            all_decided.set()
        return Close(NOW)

    all_decided = asyncio.Event()
    monkeypatch.setattr(service, "plan", decide)
    cases = Far(FAULTY)
    await serve(cases)
    # The first did not wait for the others, and they waited for nothing but the first.
    assert cases.groups == [["u0"], ["u1", "u2", "u3", "u4", "u5"]]


async def test_a_database_that_is_near_is_told_each_verdict_before_the_next_is_made() -> None:
    """The control: nothing is held back to make a group."""
    cases = _Cases(FAULTY)
    await serve(cases)
    assert cases.groups == [[one.unit] for one in FAULTY]


async def test_no_more_is_decided_than_may_wait_for_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Claim] = []
    ahead: list[int] = []

    class Slow(_Cases):
        async def complete(self, decided: Sequence[Decided]) -> frozenset[UUID]:
            for _ in range(50):
                await asyncio.sleep(0)  # whoever may go on does
            ahead.append(len(made) - len(self.verdicts))
            return await super().complete(decided)

    def decide(asked: Claim, **_: object) -> Verdict:
        made.append(asked)
        return Close(NOW)

    monkeypatch.setattr(service, "plan", decide)
    monkeypatch.setattr(service, "GROUP_VERDICTS_MAX", 2)
    cases = Slow(FAULTY, FAULTY)
    await serve(cases)
    assert len(cases.verdicts) == 12
    assert ahead[0] == 4  # one is written, two wait, and one has no room yet
    assert max(ahead) == 5
    assert max(map(len, cases.groups)) == 2


async def test_a_database_that_goes_away_amid_a_group_is_told_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "RETRY_S_MIN", 0)
    failures = iter([True, True, False])

    class Away(_Cases):
        async def complete(self, decided: Sequence[Decided]) -> frozenset[UUID]:
            if next(failures, False):
                raise CasesUnavailableError("away")
            return await super().complete(decided)

    cases = Away(FAULTY)
    await serve(cases)
    assert sorted(unit for group in cases.groups for unit in group) == [u.unit for u in FAULTY]


async def test_what_could_not_be_written_within_its_lease_is_left_to_be_decided_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "RETRY_S_MIN", 0.02)
    monkeypatch.setattr(service, "LEASE_S", 0.01)

    class Away(_Cases):
        async def complete(self, decided: Sequence[Decided]) -> frozenset[UUID]:
            if decided[0][0].unit == "lost":
                self._left -= len(decided)
                raise CasesUnavailableError("away")
            return await super().complete(decided)

    cases = Away([claim(claimed("P0128"), unit="lost")], FAULTY)
    await serve(cases)
    assert sorted(unit for group in cases.groups for unit in group) == [u.unit for u in FAULTY]


async def test_a_verdict_that_the_database_refuses_waits_and_takes_no_other_with_it() -> None:
    class Strict(_Cases):
        async def complete(self, decided: Sequence[Decided]) -> frozenset[UUID]:
            if not self.groups:
                await asyncio.sleep(0.05)  # the others gather
            if any(one.unit == "u3" and not isinstance(v, Wait) for one, v in decided):
                raise VerdictRefusedError("CheckViolationError")
            return await super().complete(decided)

    cases = Strict(FAULTY)
    await serve(cases)
    assert sorted(unit for group in cases.groups for unit in group) == [u.unit for u in FAULTY]
    assert ["u3"] in cases.groups
    waits = [verdict for verdict in cases.verdicts if isinstance(verdict, Wait)]
    assert waits == [Wait(NOW + timedelta(seconds=service.FAILED_WAIT_S))]
    assert len(cases.groups) < len(FAULTY)  # not each for itself


async def test_a_vehicle_that_we_stumble_over_waits_and_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stumble(asked: Claim, **_: object) -> Verdict:
        if asked.faults[0].status == "trap":
            raise ZeroDivisionError
        return Close(NOW)

    monkeypatch.setattr(service, "plan", stumble)
    cases = _Cases([claim(claimed("P0128", status="trap")), claim(claimed("P0128"))])
    await serve(cases)
    assert cases.verdicts == [Wait(NOW + timedelta(seconds=service.FAILED_WAIT_S)), Close(NOW)]

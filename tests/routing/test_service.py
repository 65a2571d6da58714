"""The router's loop: what it reads again, what it survives, and whom it keeps waiting."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from dtc_db.knowledge import Knowledge
from dtc_db.own_rules import Effect, OwnRule
from routing import service
from routing.directory.snapshot import Directory
from routing.errors import CasesUnavailableError
from routing.matching.policy import load_policy
from routing.ports import Added, Claim, Close, Refer, Verdict, Wait
from routing.testing import NOW, claim, claimed, one_garage

IGNORE = OwnRule(effect=Effect.IGNORE, pattern="P0128", by="a manager", at=NOW, rule_id="4")


class _Cases:
    """A case store with a few claims; the loop ends when it has nothing more to give."""

    def __init__(self, *answers: Sequence[Claim] | Exception) -> None:
        self._answers = list(answers)
        self.verdicts: list[Verdict] = []

    async def claim(self, *, limit: int, lease_s: float) -> Sequence[Claim]:
        del limit, lease_s
        if not self._answers:
            raise asyncio.CancelledError
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def complete(self, claim: Claim, verdict: Verdict) -> bool:
        del claim
        self.verdicts.append(verdict)
        return True

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


async def test_no_verdict_waits_until_another_is_written() -> None:
    both = asyncio.Barrier(2)

    class Slow(_Cases):
        async def complete(self, claim: Claim, verdict: Verdict) -> bool:
            async with asyncio.timeout(5):
                await both.wait()  # one after the other would wait for ever
            return await super().complete(claim, verdict)

    cases = Slow([claim(claimed("P0128")), claim(claimed("P0301"))])
    await serve(cases)
    assert [type(verdict) for verdict in cases.verdicts] == [Refer, Refer]


async def test_a_database_that_goes_away_while_verdicts_are_written_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "RETRY_S_MIN", 0)

    class Away(_Cases):
        async def complete(self, claim: Claim, verdict: Verdict) -> bool:
            if claim.unit == "u2":
                raise CasesUnavailableError("away")
            return await super().complete(claim, verdict)

    lost = claim(claimed("P0128"), unit="u2")
    cases = Away([lost, lost], [claim(claimed("P0128"))])
    await serve(cases)
    assert [type(verdict) for verdict in cases.verdicts] == [Refer]


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

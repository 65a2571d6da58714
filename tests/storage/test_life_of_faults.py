"""Faults and cases over any history, held against a model that is too simple to be wrong.

The machine is the core as the service runs it: `read_clock`, `advance`, `plan`, and the little that
storage does between them. The model knows the published rules (docs/episodes.md, docs/cases.md) and
shares no code with it. Every promise about episodes and cases is checked after every step.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import ClassVar
from uuid import UUID, uuid5

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from dtc_db.codes import parse_code
from dtc_db.knowledge import Knowledge
from dtc_db.need import skills_of
from dtc_db.urgency import RANK
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from gateway.clock import Clock, Reading, read_clock
from gateway.episodes import Advance, Episode, TransitionKind, advance, return_deadline
from gateway.model import Observation, Outcome, Report, ReportedCode, Status
from routing.directory.snapshot import Directory
from routing.matching.policy import Policy, load_policy
from routing.model import Position
from routing.plan import plan
from routing.ports import Claim, ClaimedFault, Close, OpenCase, PastCase, Refer, Wait

START = datetime(2026, 1, 5, tzinfo=UTC)
VEHICLE = UUID(int=1)
CAR = VehicleKind(vehicle_class=VehicleClass.CAR, powertrain=Powertrain.PETROL)
CODES = ("P0128", "P0301", "P0302", "C0035", "P0562")
# What each service says of a code that it lists.
SERVICES = {"03": Status.CONFIRMED, "07": Status.PENDING, "0A": Status.PERMANENT}
STEPS = settings(max_examples=40, stateful_step_count=50, deadline=None)
# A long run: RIGHTBAY_STEPS=1000000, at about a millisecond of processor time a step.
STEPS_MIN = int(os.environ.get("RIGHTBAY_STEPS", "1"))

type Step = Callable[[Sequence[Episode], Report, Reading], Advance]


@cache
def knowledge() -> Knowledge:
    return Knowledge.load()


@cache
def nobody() -> tuple[Directory, Policy]:
    return Directory([], "1"), load_policy()


@cache
def asks(code: str, status: str) -> tuple[frozenset[str], int]:
    """Skills and gravity of one fault."""
    found = knowledge().assess(parse_code(code), CAR, status=status)
    return skills_of(found.need.skills), RANK[found.urgency]


@dataclass
class Naive:
    """One fault in the model; times are seconds since the start."""

    times_on: int = 0
    is_on: bool = False
    is_raised: bool = False
    says: str = ""  # the service that speaks for it
    off_s: float = 0.0
    dated_s: float = 0.0  # of the newest thing known of it
    returns: int = 0
    is_in_open_case: bool = False


@dataclass
class NaiveCase:
    """The open case of the model."""

    skills: frozenset[str]
    gravity: int
    version: int = 1
    faults: set[tuple[str, str]] = field(default_factory=set)


ORDER = ("07", "03", "0A")  # from the least sure service to the surest


class Model:
    """The rules, read from the pages."""

    def __init__(self) -> None:
        self.faults: dict[tuple[str, str], Naive] = {}
        self.case: NaiveCase | None = None
        self.cases = 0

    def hear(
        self,
        now_s: float,
        dated_s: float,
        ecu: str,
        service: str,
        codes: set[str],
        *,
        is_live: bool,
    ) -> None:
        for code in sorted(codes):
            self._sighting(now_s, dated_s, (ecu, code), service, is_live=is_live)
        if not is_live:
            return
        for (of, code), fault in self.faults.items():
            is_missing = of == ecu and fault.says == service and code not in codes
            if is_missing and fault.is_on and dated_s >= fault.dated_s:
                fault.is_on, fault.off_s, fault.dated_s = False, now_s, dated_s

    def _sighting(
        self, now_s: float, dated_s: float, key: tuple[str, str], service: str, *, is_live: bool
    ) -> None:
        fault = self.faults.setdefault(key, Naive())
        if not fault.is_on and fault.times_on:
            if dated_s < fault.dated_s:
                return
            was_away = now_s - fault.off_s >= 600 or (fault.is_raised and not fault.is_in_open_case)
            if not was_away:
                if not is_live or (service == "07" and fault.says != "07"):
                    return
                fault.is_on, fault.says, fault.returns = True, service, fault.returns + 1
        if not fault.is_on:
            fault.times_on += 1
            fault.is_on, fault.is_raised, fault.says = True, False, service
            fault.returns, fault.dated_s, fault.is_in_open_case = 0, dated_s, False
        elif ORDER.index(service) > ORDER.index(fault.says) and (is_live or not fault.is_raised):
            fault.says = service
        fault.dated_s = max(fault.dated_s, dated_s)
        if is_live and fault.says != "07":
            fault.is_raised = True

    def route(self, now_s: float) -> None:
        """What the router has to have done by now."""
        raised = {key: fault for key, fault in self.faults.items() if fault.is_raised}
        on = {key for key, fault in raised.items() if fault.is_on}
        case = self.case
        if case is None:
            there = on
        else:
            there = on | {
                key
                for key in case.faults & set(raised)
                if raised[key].is_in_open_case and now_s - raised[key].off_s < 600
            }
        if case is not None and not there:
            for key in case.faults:
                self.faults[key].is_in_open_case = False
            self.case = None
        if not on:
            return
        status = {"03": "confirmed", "0A": "permanent", "07": "pending"}
        wants = [asks(code, status[raised[ecu, code].says]) for ecu, code in there]
        skills = frozenset().union(*(wanted for wanted, _ in wants))
        gravity = min(rank for _, rank in wants)
        if case is None:
            self.case = case = NaiveCase(skills, gravity)
            self.cases += 1
        elif gravity < case.gravity or not skills <= case.skills:
            case.skills, case.gravity, case.version = skills, gravity, case.version + 1
        case.faults |= on
        for key in on:
            raised[key].is_in_open_case = True


class Life(RuleBasedStateMachine):
    """One vehicle, its gateway and its router."""

    step: Step = staticmethod(advance)
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.clock = Clock(error_s=0.0)
        self.episodes: dict[UUID, Episode] = {}
        self.latest: dict[tuple[str, str], Episode] = {}
        self.due_at: datetime | None = None
        self.case: OpenCase | None = None
        self.came_back: list[UUID | None] = []
        self.in_case: dict[UUID, UUID] = {}
        self.closed: dict[UUID, datetime] = {}
        self.issued: set[tuple[UUID, int]] = set()
        self.model = Model()

    @rule(
        gap_s=st.sampled_from((1, 30, 200, 599, 600, 601, 2_000)),
        lag_s=st.sampled_from((0, 0, 0, 0, 3, 40, 7_200, 30_000, 604_800)),
        ecu=st.sampled_from(("7E8", "7E9")),
        service=st.sampled_from(tuple(SERVICES)),
        codes=st.sets(st.sampled_from(CODES), max_size=3),
        historical=st.sampled_from((False, False, False, True)),
    )
    def report(  # noqa: PLR0917 - hypothesis hands them over by name
        self,
        gap_s: int,
        lag_s: int,
        ecu: str,
        service: str,
        codes: set[str],
        historical: bool,  # noqa: FBT001 - hypothesis hands it over by name
    ) -> None:
        self._let_pass(gap_s)
        observation = Observation(
            ecu=ecu,
            protocol="obd",
            service=service,
            outcome=Outcome.CODES if codes else Outcome.NONE_FOUND,
            codes=tuple(
                ReportedCode(code=parse_code(code), status=SERVICES[service])
                for code in sorted(codes)
            ),
        )
        self._take(lag_s, (observation,), is_historical=historical)
        now_s = (self.now - START).total_seconds()
        is_live = not historical and lag_s <= 21_600
        self.model.hear(now_s, now_s - lag_s, ecu, service, codes, is_live=is_live)
        self._take(0, (), is_historical=False)  # a heartbeat: the clock is as it was
        self._route_until(self.now)
        self.model.route(now_s)
        self._compare()

    @rule(gap_s=st.sampled_from((1, 300, 600, 5_000)))
    def silence(self, gap_s: int) -> None:
        self._let_pass(gap_s)
        self._compare()

    def _let_pass(self, gap_s: int) -> None:
        end = self.now + timedelta(seconds=gap_s)
        # The model's router looks whenever a fault has been off for long enough.
        offs = {fault.off_s + 600 for fault in self.model.faults.values() if not fault.is_on}
        for at_s in sorted(offs):
            if (self.now - START).total_seconds() < at_s <= (end - START).total_seconds():
                self.model.route(at_s)
        self.now = end
        self._route_until(end)

    def _take(
        self, lag_s: float, observations: tuple[Observation, ...], *, is_historical: bool
    ) -> None:
        report = Report(
            unit="u1",
            event_id="e",
            digest=b"",
            payload=b"",
            received_at=self.now,
            unit_at=self.now - timedelta(seconds=lag_s),
            is_historical=is_historical,
            observations=observations,
        )
        reading, self.clock = read_clock(self.clock, report)
        done = self.step(self._latest(), report, reading)
        for episode in done.episodes:
            self.episodes[_id(episode)] = episode
            self.latest[episode.ecu, str(episode.code)] = episode
        for transition in done.transitions:
            is_off = transition.kind is TransitionKind.OFF
            at = return_deadline(transition.at) if is_off else transition.at
            self.due_at = at if self.due_at is None else min(self.due_at, at)

    def _latest(self) -> list[Episode]:
        """As the store gives them: a fault whose case was closed does not return to it."""
        return [
            episode._replace(may_return=False)
            if self.in_case.get(_id(episode)) in self.closed
            else episode
            for episode in self.latest.values()
        ]

    def _route_until(self, end: datetime) -> None:
        while self.due_at is not None and self.due_at <= end:
            at, self.due_at = self.due_at, None
            self._route(at)

    def _route(self, at: datetime) -> None:
        directory, policy = nobody()
        claim = Claim(
            vehicle_id=VEHICLE,
            token=VEHICLE,
            revision=1,
            vehicle=CAR,
            is_registered=True,
            position=Position(9.5, 47.1),
            faults=self._claimed(),
            case=self.case,
        )
        verdict = plan(claim, knowledge=knowledge(), directory=directory, policy=policy, at=at)
        if isinstance(verdict, Wait):
            self.due_at = verdict.until
        elif isinstance(verdict, Close):
            if self.case is not None:
                self.closed[self.case.case_id] = at
            self.case = None
            self.episodes = {key: e for key, e in self.episodes.items() if e.off_at is None}
        else:
            self._write(verdict)

    def _claimed(self) -> tuple[ClaimedFault, ...]:
        mine = self.case and self.case.case_id
        return tuple(
            ClaimedFault(
                episode_id=key,
                code=e.code,
                ecu=e.ecu,
                status=e.status.value,
                lamps=e.lamps,
                gone_at=None if e.off_at is None else return_deadline(e.off_at),
                onset_at=e.onset_at,
                past=self._past(e),
            )
            for key, e in self.episodes.items()
            if e.is_raised and (e.off_at is None or (mine and self.in_case.get(key) == mine))
        )

    def _past(self, episode: Episode) -> PastCase | None:
        for ordinal in range(episode.ordinal - 1, 0, -1):
            case = self.in_case.get(_key(episode.ecu, str(episode.code), ordinal))
            if case is not None and case in self.closed:
                return PastCase(case, self.closed[case])
        return None

    def _write(self, verdict: Refer) -> None:
        if self.case is None:
            assert verdict.case_id not in self.closed, "a closed case is not opened again"
            self.came_back.append(verdict.came_back_from)
        for key in verdict.episodes:
            assert self.in_case.setdefault(key, verdict.case_id) == verdict.case_id
        self.due_at = verdict.again_at
        new = verdict.referral
        if new is None:
            return
        assert (verdict.case_id, new.version) not in self.issued, "one version is issued once"
        self.issued.add((verdict.case_id, new.version))
        self.case = OpenCase(
            case_id=verdict.case_id,
            version=new.version,
            need_digest=new.need_digest,
            urgency=new.urgency,
            need=new.need,
            has_offers=bool(new.offer_count),
            directory_version=new.directory_version or "",
        )

    def _compare(self) -> None:
        Life.steps += 1
        for episode in self.latest.values():
            fault = self.model.faults[episode.ecu, str(episode.code)]
            told = (episode.ordinal, episode.off_at is None, episode.is_raised, episode.service)
            assert told == (fault.times_on, fault.is_on, fault.is_raised, fault.says), episode
            assert episode.return_count == fault.returns, episode
        assert len(self.latest) == len(self.model.faults)
        case, expected = self.case, self.model.case
        assert (case is None) == (expected is None)
        if case is not None and expected is not None:
            assert case.version == expected.version
        assert len(self.came_back) == self.model.cases
        assert len({case_id for case_id, version in self.issued if version == 1}) == (
            self.model.cases
        )


def _id(episode: Episode) -> UUID:
    return _key(episode.ecu, str(episode.code), episode.ordinal)


@cache
def _key(ecu: str, code: str, ordinal: int) -> UUID:
    return uuid5(VEHICLE, f"{ecu}/{code}/{ordinal}")


def test_any_history_of_faults_ends_as_the_published_rules_say() -> None:
    began = Life.steps
    while Life.steps - began < STEPS_MIN:
        run_state_machine_as_test(Life, settings=STEPS)
        print(f"{Life.steps - began} steps agree")  # noqa: T201 - shown by a long run with -s


def _trusts_the_order(known: Sequence[Episode], report: Report, reading: Reading) -> Advance:
    return advance(known, report, reading._replace(observed_at=report.received_at))


def _alarms_for_old_news(known: Sequence[Episode], report: Report, reading: Reading) -> Advance:
    return advance(known, report, reading._replace(is_live=True))


def _never_lets_return(known: Sequence[Episode], report: Report, reading: Reading) -> Advance:
    return advance([each._replace(may_return=False) for each in known], report, reading)


@pytest.mark.parametrize("broken", [_trusts_the_order, _alarms_for_old_news, _never_lets_return])
def test_a_core_that_breaks_one_of_the_rules_is_found_out(broken: Step) -> None:
    class Broken(Life):
        step = staticmethod(broken)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Broken, settings=settings(STEPS, report_multiple_bugs=False))

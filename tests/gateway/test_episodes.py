"""When a fault goes on, stays on and goes off."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.codes import parse_code
from gateway.episodes import RETURN_S_MAX, Episode, Transition, TransitionKind, advance
from gateway.model import Observation, Outcome, Report, ReportedCode, Status

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
ON, CHANGED, OFF = TransitionKind.ON, TransitionKind.CHANGED, TransitionKind.OFF


def seen(text: str, *, ecu: str = "7E8", lamps: str = "") -> Observation:
    """``"03/P0128 P0301"``: these codes; ``"03/"``: none; a status may follow, ``P0128:active``."""
    service, _, listed = text.partition("/")
    default = {"07": Status.PENDING, "DM1": Status.ACTIVE}.get(service, Status.CONFIRMED)
    codes = []
    for word in listed.split():
        code, _, status = word.partition(":")
        known = {"gone": None}.get(
            status, Status(status) if status not in ("", "gone") else default
        )
        codes.append(ReportedCode(code=parse_code(code), status=known))
    return Observation(
        ecu=ecu,
        protocol={"19 02": "uds", "DM1": "j1939", "unit": "codes"}.get(service, "obd"),
        is_complete=service not in {"19 02", "unit"},
        service=service,
        outcome=Outcome.CODES if codes else Outcome.NONE_FOUND,
        codes=tuple(codes),
        lamps=(("mil", lamps),) if lamps else (),
    )


def report(at_s: float, *observations: Observation, historical: bool = False) -> Report:
    return Report(
        unit="u1",
        event_id=f"e{at_s}",
        digest=b"",
        payload=b"",
        received_at=START + timedelta(seconds=at_s),
        is_historical=historical,
        observations=observations,
    )


def run(*reports: Report) -> tuple[list[Episode], list[Transition]]:
    """All episodes in their last state, and all transitions, after these reports."""
    episodes: dict[tuple[str, str, int], Episode] = {}
    transitions: list[Transition] = []
    for each in reports:
        latest: dict[tuple[str, str], Episode] = {}
        for episode in episodes.values():
            latest[episode.ecu, str(episode.code)] = episode
        step = advance(latest.values(), each)
        for episode in step.episodes:
            episodes[episode.ecu, str(episode.code), episode.ordinal] = episode
        transitions += step.transitions
    return list(episodes.values()), transitions


def check(expected: str, *reports: Report) -> None:
    """``expected``: transitions as ``"on:P0128 off:P0128"``, in order."""
    _, transitions = run(*reports)
    assert " ".join(f"{t.kind.value}:{t.code}" for t in transitions) == expected


def test_a_fault_that_is_reported_again_and_again_comes_once() -> None:
    episodes, transitions = run(*(report(s, seen("03/P0128")) for s in range(30)))
    assert [t.kind for t in transitions] == [ON]
    assert [(e.ordinal, e.last_seen_at) for e in episodes] == [(1, START + timedelta(seconds=29))]


def test_silence_turns_nothing_off() -> None:
    check("on:P0128", report(0, seen("03/P0128")), report(1), report(2, seen("07/")))


def test_an_explicit_none_found_of_the_same_control_unit_and_service_turns_off() -> None:
    check("on:P0128 off:P0128", report(0, seen("03/P0128")), report(5, seen("03/")))


def test_none_found_in_another_control_unit_turns_nothing_off() -> None:
    check("on:P0128", report(0, seen("03/P0128")), report(5, seen("03/", ecu="7E9")))


def test_none_found_by_a_unit_that_names_no_control_unit_speaks_for_all() -> None:
    check(
        "on:P0128 off:P0128",
        report(0, seen("unit/P0128", ecu="7E8")),
        report(5, seen("unit/", ecu="")),
    )


def test_a_complete_list_without_the_code_turns_it_off() -> None:
    check(
        "on:P0128 on:P0301 off:P0128",
        report(0, seen("03/P0128 P0301")),
        report(5, seen("03/P0301")),
    )


@pytest.mark.parametrize("service", ["19 02", "unit"])
def test_a_list_that_may_be_partial_turns_nothing_off(service: str) -> None:
    check(
        "on:P0128 on:P0301",
        report(0, seen(f"{service}/P0128")),
        report(5, seen(f"{service}/P0301")),
    )


def test_a_code_listed_as_not_there_goes_off_and_never_comes_on() -> None:
    check(
        "on:P0128 off:P0128",
        report(0, seen("19 02/P0128:active P0301:gone")),
        report(5, seen("19 02/P0128:gone P0301:gone")),
    )


def test_a_pending_code_is_known_but_raises_nothing_until_it_is_confirmed() -> None:
    first, second = report(0, seen("07/P0128")), report(5, seen("03/P0128"))
    episodes, transitions = run(first)
    assert [(e.is_raised, e.status) for e in episodes] == [(False, Status.PENDING)]
    assert transitions == []
    check("on:P0128", first, second)


def test_that_a_confirmed_code_is_no_longer_pending_does_not_turn_it_off() -> None:
    check(
        "on:P0128",
        report(0, seen("07/P0128")),
        report(5, seen("03/P0128")),
        report(9, seen("07/")),
    )


def test_a_change_of_lamps_is_looked_at_again() -> None:
    check(
        "on:SPN 609 FMI 9 changed:SPN 609 FMI 9",
        report(0, seen("DM1/609/9", lamps="on")),
        report(5, seen("DM1/609/9", lamps="fast_flash")),
    )


def test_a_fault_that_returns_soon_was_never_away() -> None:
    episodes, _ = run(
        report(0, seen("03/P0128")),
        report(5, seen("03/")),
        report(5 + RETURN_S_MAX - 1, seen("03/P0128")),
    )
    assert [(e.ordinal, e.off_at) for e in episodes] == [(1, None)]


def test_a_fault_that_returns_late_is_a_new_episode() -> None:
    episodes, transitions = run(
        report(0, seen("03/P0128")),
        report(5, seen("03/")),
        report(5 + RETURN_S_MAX, seen("03/P0128")),
    )
    assert [e.ordinal for e in episodes] == [1, 2]
    assert [t.kind for t in transitions] == [ON, OFF, ON]


def test_a_fault_that_returns_after_its_case_was_closed_is_a_new_episode() -> None:
    (episode,), _ = run(report(0, seen("03/P0128")), report(5, seen("03/")))
    step = advance([replace(episode, may_return=False)], report(6, seen("03/P0128")))
    assert [(e.ordinal, e.is_raised) for e in step.episodes] == [(2, True)]


def test_old_news_tells_of_a_fault_but_raises_no_alarm_and_turns_nothing_off() -> None:
    old = report(0, seen("03/P0128"), historical=True)
    check("", old)
    check("on:P0128", old, report(5, seen("03/P0128")))
    check("on:P0128", report(0, seen("03/P0128")), report(5, seen("03/"), historical=True))


SERVICES = st.sampled_from(["03", "07", "0A", "19 02", "DM1", "unit"])
OBSERVATIONS = st.builds(
    lambda service, codes, ecu: seen(f"{service}/{' '.join(codes)}", ecu=ecu),
    SERVICES,
    st.lists(st.sampled_from(["P0128", "P0301", "P0128:gone", "P0301:active"]), max_size=3),
    st.sampled_from(["7E8", "7E9", ""]),
)


@given(st.lists(st.tuples(st.integers(0, 2000), OBSERVATIONS, st.booleans()), max_size=25))
def test_whatever_comes_each_episode_is_raised_at_most_once_and_one_is_open_at_a_time(
    steps: list[tuple[int, Observation, bool]],
) -> None:
    at_s, reports = 0, []
    for gap_s, observation, historical in steps:
        at_s += gap_s
        reports.append(report(at_s, observation, historical=historical))
    episodes, transitions = run(*reports)
    raised = [(t.ecu, t.code, t.ordinal) for t in transitions if t.kind is ON]
    assert len(raised) == len(set(raised))
    open_faults = [(e.ecu, e.code) for e in episodes if e.off_at is None]
    assert len(open_faults) == len(set(open_faults))
    assert {(e.ecu, e.code, e.ordinal) for e in episodes if e.is_raised} == set(raised)

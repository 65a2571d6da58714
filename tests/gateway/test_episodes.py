"""When a fault goes on, stays on and goes off."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dtc_db.codes import parse_code
from gateway.clock import Clock, Doubt, read_clock
from gateway.episodes import (
    INTERMITTENT_RETURNS_MIN,
    RETURN_S_MAX,
    Episode,
    Transition,
    TransitionKind,
    advance,
)
from gateway.model import Observation, Outcome, Report, ReportedCode, Status

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
ON, CHANGED, OFF = TransitionKind.ON, TransitionKind.CHANGED, TransitionKind.OFF


DEFAULTS = {
    "07": Status.PENDING,
    "0A": Status.PERMANENT,
    "DM1": Status.ACTIVE,
    "DM2": Status.STORED,
    "DM6": Status.PENDING,
}


def seen(
    text: str,
    *,
    ecu: str = "7E8",
    lamps: str = "",
    mask: int | None = None,
    status_byte: int | None = None,
) -> Observation:
    """``"03/P0128 P0301"``: these codes; ``"03/"``: none; a status may follow, ``P0128:active``."""
    service, _, listed = text.partition("/")
    default = DEFAULTS.get(service, Status.CONFIRMED)
    codes = []
    for word in listed.split():
        code, _, status = word.partition(":")
        known = {"gone": None}.get(
            status, Status(status) if status not in ("", "gone") else default
        )
        codes.append(ReportedCode(code=parse_code(code), status=known, status_byte=status_byte))
    return Observation(
        ecu=ecu,
        protocol={"19 02": "uds", "DM1": "j1939", "unit": "codes"}.get(service, "obd"),
        is_complete=service not in {"19 02", "unit"},
        service=service,
        outcome=Outcome.CODES if codes else Outcome.NONE_FOUND,
        codes=tuple(codes),
        lamps=(("mil", lamps),) if lamps else (),
        mask=mask,
    )


def report(
    at_s: float,
    *observations: Observation,
    historical: bool = False,
    lag_s: float | None = None,
    seq: int | None = None,
    odometer_km: float | None = None,
) -> Report:
    """``lag_s``: how long it waited, by a unit's clock that is right; None for a unit without."""
    received_at = START + timedelta(seconds=at_s)
    return Report(
        unit="u1",
        event_id=f"e{at_s}",
        digest=b"",
        payload=b"",
        received_at=received_at,
        unit_at=None if lag_s is None else received_at - timedelta(seconds=lag_s),
        seq=seq,
        odometer_km=odometer_km,
        is_historical=historical,
        observations=observations,
    )


def run(*reports: Report) -> tuple[list[Episode], list[Transition]]:
    """All episodes in their last state, and all transitions, after these reports."""
    episodes: dict[tuple[str, str, int], Episode] = {}
    transitions: list[Transition] = []
    clock = Clock(error_s=0)
    for each in reports:
        latest: dict[tuple[str, str], Episode] = {}
        for episode in episodes.values():
            latest[episode.ecu, str(episode.code)] = episode
        reading, clock = read_clock(clock, each)
        step = advance(latest.values(), each, reading)
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
    step = advance([episode._replace(may_return=False)], report(6, seen("03/P0128")))
    assert [(e.ordinal, e.is_raised) for e in step.episodes] == [(2, True)]


def test_old_news_tells_of_a_fault_but_raises_no_alarm_and_turns_nothing_off() -> None:
    old = report(0, seen("03/P0128"), historical=True)
    check("", old)
    check("on:P0128", old, report(5, seen("03/P0128")))
    check("on:P0128", report(0, seen("03/P0128")), report(5, seen("03/"), historical=True))


def test_old_news_brings_nothing_back_and_makes_nothing_graver() -> None:
    check(
        "on:P0128 off:P0128",
        report(0, seen("03/P0128")),
        report(5, seen("03/")),
        report(6, seen("03/P0128"), historical=True),
    )
    episodes, _ = run(report(0, seen("03/P0128")), report(5, seen("0A/P0128"), historical=True))
    assert episodes[0].status is Status.CONFIRMED
    assert episodes[0].permanent_at is not None


WEEK_S = 604_800


def test_a_report_of_last_week_tells_of_a_fault_and_raises_no_alarm() -> None:
    late = report(0, seen("03/P0128"), lag_s=WEEK_S)
    (episode,), transitions = run(late)
    assert transitions == []
    assert (episode.doubt, episode.is_raised) == (Doubt.LATE, False)
    assert episode.onset_at == START - timedelta(seconds=WEEK_S)
    assert episode.first_seen_at == START
    check("on:P0128", late, report(5, seen("03/P0128"), lag_s=0))


def test_what_a_wrong_clock_held_back_is_raised_when_the_clock_is_found_out() -> None:
    check(
        "on:P0128",
        report(0, seen("03/P0128"), lag_s=WEEK_S),
        report(60, lag_s=WEEK_S),
        report(130, lag_s=WEEK_S),
    )


def test_an_empty_answer_that_is_older_than_the_sighting_turns_nothing_off() -> None:
    check(
        "on:P0128",
        report(0, seen("03/P0128"), lag_s=0),
        report(1, seen("03/"), lag_s=30),
    )
    # The control: the same answer in its order.
    check(
        "on:P0128 off:P0128",
        report(0, seen("03/P0128"), lag_s=30),
        report(1, seen("03/"), lag_s=0),
    )


def test_a_sighting_that_is_older_than_the_empty_answer_brings_nothing_back() -> None:
    check(
        "on:P0128 off:P0128",
        report(0, seen("03/P0128"), lag_s=0),
        report(10, seen("03/"), lag_s=0),
        report(11, seen("03/P0128"), lag_s=5),
    )


def test_without_a_clock_the_units_count_tells_the_order() -> None:
    overtaken = report(1, seen("03/"), seq=41)
    check("on:P0128", report(0, seen("03/P0128"), seq=42), overtaken)
    check("on:P0128 off:P0128", report(0, seen("03/P0128"), seq=40), overtaken)
    # A count that fell far, or long ago, began anew.
    check("on:P0128 off:P0128", report(0, seen("03/P0128"), seq=42_000), overtaken)
    check(
        "on:P0128 off:P0128", report(0, seen("03/P0128"), seq=42), report(700, seen("03/"), seq=1)
    )


def test_a_fault_that_flickers_is_one_episode_that_counts_its_returns() -> None:
    flicker = [report(n * 10, seen("03/P0128" if n % 2 == 0 else "03/")) for n in range(2 * 5 + 1)]
    (episode,), transitions = run(*flicker)
    assert (episode.ordinal, episode.return_count, episode.is_intermittent) == (1, 5, True)
    assert [t.kind for t in transitions].count(ON) == 1
    (steady,), _ = run(*flicker[: 2 * INTERMITTENT_RETURNS_MIN - 1])
    assert not steady.is_intermittent


def test_a_new_episode_knows_the_one_before_it() -> None:
    episodes, _ = run(
        report(0, seen("03/P0128")), report(5, seen("03/")), report(5_000, seen("03/P0128"))
    )
    assert [episode.predecessor for episode in episodes] == [None, 1]


def test_onset_keeps_its_time_and_odometer_however_the_fault_goes_on() -> None:
    (episode,), _ = run(
        report(0, seen("07/P0128"), odometer_km=100.0),
        report(60, seen("03/P0128"), odometer_km=101.0),
        report(120, seen("0A/P0128"), odometer_km=102.0),
    )
    assert (episode.odometer_km, episode.onset_at) == (100.0, START)
    assert episode.confirmed_at == START + timedelta(seconds=60)
    assert episode.permanent_at == START + timedelta(seconds=120)
    assert (episode.status, episode.service) == (Status.PERMANENT, "0A")


def test_what_is_remembered_of_a_fault_that_is_gone_is_no_new_fault() -> None:
    """DM2 lists what DM1 no longer does, for ever."""
    gone = [report(0, seen("DM1/609/9")), report(5, seen("DM1/"))]
    remembered = [report(at_s, seen("DM2/609/9")) for at_s in (6, 2_000)]
    check("on:SPN 609 FMI 9 off:SPN 609 FMI 9", *gone, *remembered)
    # The control: where nobody said that it is gone, DM2 is how we learn of it.
    check("on:SPN 609 FMI 9", remembered[0])


def test_a_suspicion_brings_back_nothing_that_is_confirmed_gone_and_begins_anew_later() -> None:
    gone = [report(0, seen("03/P0128")), report(5, seen("03/"))]
    check("on:P0128 off:P0128", *gone, report(6, seen("07/P0128")))
    episodes, _ = run(*gone, report(2_000, seen("07/P0128")))
    assert [(e.ordinal, e.is_raised) for e in episodes] == [(1, True), (2, False)]


LISTED = seen("19 02/P0128", mask=0x0D, status_byte=0x09)


@pytest.mark.parametrize(
    ("mask", "is_off"), [(0x0D, True), (0x09, True), (0xFF, True), (0x08, False), (0x04, False)]
)
def test_none_found_under_a_narrower_mask_turns_off_only_what_that_mask_would_list(
    mask: int,
    is_off: bool,  # noqa: FBT001 - a column of the table
) -> None:
    expected = "on:P0128 off:P0128" if is_off else "on:P0128"
    check(expected, report(0, LISTED), report(5, seen("19 02/", mask=mask)))


def test_a_list_under_a_known_mask_turns_off_what_it_would_have_listed() -> None:
    other = seen("19 02/P0301", mask=0x0D, status_byte=0x09)
    check("on:P0128 on:P0301 off:P0128", report(0, LISTED), report(5, other))


def test_of_two_masks_that_nobody_saw_the_empty_answer_says_nothing() -> None:
    listed = replace_mask(LISTED)
    empty = seen("19 02/")._replace(is_complete=False)
    check("on:P0128", report(0, listed, empty), report(5, empty, listed))
    check("on:P0128 off:P0128", report(0, listed), report(5, empty))


def replace_mask(observation: Observation) -> Observation:
    return observation._replace(mask=None)


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

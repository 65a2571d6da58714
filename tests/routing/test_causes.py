"""Which faults make a case, and which only follow from others."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from dtc_db.codes import parse_code
from dtc_db.urgency import Urgency
from routing.causes import (
    STORM_FAULTS_MIN,
    STORM_S_MAX,
    Entry,
    Reason,
    load_induced,
    parse_induced,
    sort_out,
)
from routing.errors import DataFileError
from routing.ports import ClaimedFault

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
LOST = ("U0100", "U0121", "U0140", "U0155")
ADAPTER = Entry(codes=frozenset({"U0198"}), units=("box-*",), because="a test")


def fault(text: str, *, at_s: float | None = 0) -> ClaimedFault:
    return ClaimedFault(
        episode_id=uuid5(UUID(int=1), text),
        code=parse_code(text),
        ecu="7E8",
        status="confirmed",
        lamps=(),
        gone_at=None,
        onset_at=None if at_s is None else NOW + timedelta(seconds=at_s),
    )


def check(
    *faults: ClaimedFault | str, cause: str, unit: str = "u1", urgency: Urgency = Urgency.SOON
) -> None:
    """``cause``: the codes of the case; the others are set aside."""
    given = [one if isinstance(one, ClaimedFault) else fault(one) for one in faults]
    done = sort_out(given, unit=unit, urgencies=[urgency] * len(given), induced=(ADAPTER,))
    assert " ".join(str(one.code) for one in done.causes) == cause
    assert len(done.causes) + len(done.set_aside) == len(given)


def test_many_control_units_that_miss_each_other_at_low_voltage_are_one_fault() -> None:
    check(*LOST, "P0562", cause="P0562")
    check("P0562", *LOST, "P0301", cause="P0562 P0301")
    check(*(f"U0{n}" for n in range(100, 109)), "U3003-16", cause="U3003-16")


def test_a_truck_may_have_a_storm_too() -> None:
    lost = [f"SPN {spn} FMI {fmi}" for spn in (520_192, 609, 639) for fmi in (9, 19)]
    check(*lost, "SPN 168 FMI 4", cause="SPN 168 FMI 4")


def test_without_a_cause_nothing_is_a_storm() -> None:
    check(*LOST, cause=" ".join(LOST))
    check(*LOST, "P0563", cause=f"{' '.join(LOST)} P0563")  # the voltage is high


def test_few_that_miss_each_other_are_faults_of_their_own() -> None:
    few = LOST[: STORM_FAULTS_MIN - 1]
    check(*few, "P0562", cause=f"{' '.join(few)} P0562")


def test_what_was_lost_long_before_the_voltage_fell_does_not_follow_from_it() -> None:
    old = fault("U0121", at_s=-STORM_S_MAX - 1)
    check(old, *LOST[2:], "U0100", "U0101", "P0562", cause="U0121 P0562")
    check(*(fault(code, at_s=None) for code in LOST), "P0562", cause=f"{' '.join(LOST)} P0562")


def test_what_the_unit_itself_provokes_makes_no_case_on_units_of_that_kind() -> None:
    check("U0198", cause="", unit="box-17")
    check("U0198-87", "P0301", cause="P0301", unit="box-17")
    check("U0198", cause="U0198", unit="other-17")
    check("U0199", cause="U0199", unit="box-17")


@pytest.mark.parametrize("urgency", [Urgency.STOP_NOW, Urgency.TOW, Urgency.LIMP, Urgency.UNKNOWN])
def test_a_grave_code_is_never_called_induced(urgency: Urgency) -> None:
    check("U0198", cause="U0198", unit="box-17", urgency=urgency)


def test_each_reason_is_told() -> None:
    faults = [fault(code) for code in (*LOST, "P0562", "U0198")]
    urgencies = [Urgency.SOON] * len(faults)
    done = sort_out(faults, unit="box-1", urgencies=urgencies, induced=(ADAPTER,))
    reasons = {str(one.code): reason for one, reason in done.set_aside}
    assert reasons == {**dict.fromkeys(LOST, Reason.STORM), "U0198": Reason.INDUCED}


def test_a_code_of_no_known_format_is_a_cause() -> None:
    check(
        "0xC10000", "0xC12100", "0xC14000", "0xC15500", cause="0xC10000 0xC12100 0xC14000 0xC15500"
    )


def test_the_table_that_comes_with_the_package_loads_and_names_canonical_codes() -> None:
    for entry in load_induced():
        assert entry.units
        assert entry.because
        assert {str(parse_code(code)) for code in entry.codes} == entry.codes


@pytest.mark.parametrize(
    "text",
    ['induced = [{codes = ["U0198"]}]', 'induced = [{codes=["X"],units=["*"],because=""}]', "["],
)
def test_a_table_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(DataFileError):
        parse_induced(text)

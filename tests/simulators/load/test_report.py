"""What a load sends is what the contract asks for, and its poison is what it says it is."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.dialects.rightbay import RightbayDialect
from gateway.model import DeadLetter, Reason, Report
from simulators.load.plan import POISON, REFUSED, UNANSWERABLE, Kind, Load
from simulators.load.report import body_of, codes_of, id_of, number_of, obd_answer, unit_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LOAD = Load(vehicles=16, rate_per_s=10, reports=200, run="a-b", start_at=NOW)
SPREAD = Load(vehicles=400, rate_per_s=10, reports=4_000, run="a-b", start_at=NOW, onset=0.8)


def parse(number: int, kind: Kind) -> Report | DeadLetter:
    topic = f"rb/1/{unit_of(LOAD, number)}/up/report"
    return RightbayDialect().parse(topic, body_of(LOAD, number, kind), received_at=NOW)


def codes_in(report: Report) -> set[str]:
    return {str(code.code) for one in report.observations for code in one.codes}


@pytest.mark.parametrize("kind", [Kind.LIVE, Kind.LATE])
def test_the_gateway_reads_from_a_report_just_the_codes_that_were_put_in(kind: Kind) -> None:
    for number in range(LOAD.reports):
        report = parse(number, kind)
        assert isinstance(report, Report)
        assert not report.rejections
        assert codes_in(report) == set(codes_of(LOAD, number))
        assert report.is_historical == (kind is Kind.LATE)
        assert report.event_id == id_of(LOAD, number)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Kind.NOT_UTF8, Reason.NOT_UTF8),
        (Kind.NOT_JSON, Reason.NOT_JSON),
        (Kind.NO_ID, Reason.SCHEMA),
        (Kind.HUGE, Reason.TOO_LARGE),
        (Kind.WRONG_TYPES, Reason.SCHEMA),
    ],
)
def test_poison_is_refused_for_the_reason_it_was_made_for(kind: Kind, reason: Reason) -> None:
    letter = parse(3, kind)
    assert isinstance(letter, DeadLetter)
    assert kind in REFUSED
    assert letter.reason is reason
    assert (letter.event_id is None) == (kind in UNANSWERABLE)
    assert id_of(LOAD, 3).encode() in letter.raw


def test_a_cut_transfer_is_a_report_with_a_rejected_part() -> None:
    report = parse(3, Kind.CUT_TRANSFER)
    assert isinstance(report, Report)
    assert [rejection.reason for rejection in report.rejections] == [Reason.TRUNCATED]


def test_a_report_is_the_same_bytes_each_time_and_no_two_are_the_same() -> None:
    kinds = (Kind.LIVE, Kind.LATE, *POISON)
    bodies = [body_of(LOAD, number, kind) for number in range(20) for kind in kinds]
    assert bodies == [body_of(LOAD, number, kind) for number in range(20) for kind in kinds]
    assert len(set(bodies)) == len(bodies)


@pytest.mark.parametrize("load", [LOAD, SPREAD])
def test_faults_come_and_stay(load: Load) -> None:
    for number in range(load.reports - load.vehicles):
        assert set(codes_of(load, number)) <= set(codes_of(load, number + load.vehicles))


def test_first_faults_come_evenly_over_the_part_of_the_load_that_was_asked_for() -> None:
    ill = [vehicle for vehicle in range(SPREAD.vehicles) if vehicle % 4]
    counts = [
        sum(bool(codes_of(SPREAD, vehicle + turn * SPREAD.vehicles)) for vehicle in ill)
        for turn in range(SPREAD.turns)
    ]
    came = [now - before for before, now in zip([0, *counts], counts, strict=False)]
    assert counts[-1] == len(ill)
    assert all(0.8 * len(ill) / 8 < each < 1.2 * len(ill) / 8 for each in came[:8])
    assert came[8:] == [0, 0]
    with pytest.raises(ValueError, match="0 to 1"):
        replace(SPREAD, onset=1.1)


def test_an_id_leads_back_to_its_report_and_a_foreign_one_nowhere() -> None:
    assert all(number_of(LOAD, id_of(LOAD, number)) == number for number in range(300))
    assert [number_of(LOAD, text) for text in ("b-1", "a-b-x", "", "-1")] == [None] * 4


def test_three_codes_take_two_frames() -> None:
    assert obd_answer(("P0301",)) == ("0443010301aaaaaa",)
    assert obd_answer(("P0301", "P0420", "P0171")) == ("1008430303010420", "210171aaaaaaaaaa")


def test_the_huge_one_is_256_kb_of_good_json() -> None:
    body = body_of(LOAD, 1, Kind.HUGE)
    assert 250_000 < len(body) < 260_000
    assert set(json.loads(body)) == {"id", "codes"}

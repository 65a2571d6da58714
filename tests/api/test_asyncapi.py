"""What docs/asyncapi.yaml promises is what the code takes and sends."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from api.delivery import deliver_once
from dtc_db.need import Arrival
from dtc_db.urgency import Urgency
from gateway.dialects.rightbay import (
    CODES_MAX,
    FRAMES_MAX,
    ID_LENGTH_MAX,
    ODOMETER_KM_MAX,
    SPEED_KMH_MAX,
    RightbayDialect,
)
from gateway.model import Bus, DeadLetter, Report, Status
from gateway.service import RECEIPT_IDS_MAX, receipts
from routing.document import ShortOffer, ShortReferral
from routing.referral import SHORT_OFFERS_MAX
from storage.pool import Pool
from storage.testing import refer

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DOCUMENT: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "docs" / "asyncapi.yaml").read_text("utf-8")
)
SCHEMAS = DOCUMENT["components"]["schemas"]


def examples(name: str) -> Iterator[dict[str, Any]]:
    for example in DOCUMENT["components"]["messages"][name]["examples"]:
        yield example["payload"]


def is_valid(name: str, payload: object) -> bool:
    return bool(Draft7Validator(SCHEMAS[name]).is_valid(payload))


def address(name: str, unit: str) -> str:
    text: str = DOCUMENT["channels"][name]["address"]
    return text.format(unit=unit)


def parse(payload: object) -> Report | DeadLetter:
    raw = json.dumps(payload).encode()
    return RightbayDialect("rb/1").parse(address("report", "u1"), raw, received_at=NOW)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_example_keeps_to_its_schema(name: str) -> None:
    Draft7Validator.check_schema(SCHEMAS[name])
    given = list(examples(name))
    assert given
    assert all(is_valid(name, payload) for payload in given)


def test_every_example_of_a_report_is_read_without_a_rest() -> None:
    for payload in examples("report"):
        report = parse(payload)
        assert isinstance(report, Report)
        assert report.observations
        assert report.rejections == ()
        assert report.unit == "u1"


@pytest.mark.parametrize(
    "payload",
    [
        {"codes": []},
        {"id": "1"},
        {"id": "", "codes": []},
        {"id": "x" * (ID_LENGTH_MAX + 1), "codes": []},
        {"id": 7, "codes": []},
        {"id": "1", "codes": {}},
        {"id": "1", "frames": [[]] * (FRAMES_MAX + 1)},
        {"id": "1", "codes": ["P0420"] * (CODES_MAX + 1)},
    ],
    ids=lambda payload: repr(payload)[:40],
)
def test_what_the_schema_forbids_as_a_whole_is_no_report(payload: dict[str, Any]) -> None:
    assert not is_valid("report", payload)
    assert isinstance(parse(payload), DeadLetter)


@pytest.mark.parametrize(
    "field",
    [
        {"codes": [{"ecu": "7E8"}]},
        {"codes": [{"code": "P0420", "status": "perhaps"}]},
        {"codes": [{"code": "P0420", "oc": 127}]},
        {"codes": [], "frames": [[0, "7E", "0", "x"]]},
        {"codes": [], "frames": [[0, "8FF", "0443"]]},
        {"codes": [], "pos": [181, 0]},
        {"codes": [], "pos": [0, 91]},
        {"codes": [], "speed_kmh": SPEED_KMH_MAX + 1},
        {"codes": [], "odometer_km": ODOMETER_KM_MAX + 1},
        {"codes": [], "soc_pct": 101},
        {"codes": [], "historical": "no"},
    ],
    ids=repr,
)
def test_what_the_schema_forbids_in_a_part_is_set_aside_alone(field: dict[str, Any]) -> None:
    payload = {"id": "1", **field}
    assert not is_valid("report", payload)
    report = parse(payload)
    assert isinstance(report, Report)
    assert len(report.rejections) == 1


def test_the_choices_are_those_of_the_code() -> None:
    report, referral = SCHEMAS["report"]["properties"], SCHEMAS["referral"]["properties"]
    code = report["codes"]["items"]["anyOf"][1]["properties"]
    assert set(report["bus"]["enum"]) == set(Bus)
    assert set(code["status"]["enum"]) == set(Status)
    assert set(referral["urgency"]["enum"]) == set(Urgency)
    assert set(referral["arrival"]["enum"]) == set(Arrival)
    assert referral["offers"]["maxItems"] == SHORT_OFFERS_MAX


def test_the_fields_of_a_referral_are_those_that_the_router_writes() -> None:
    referral = SCHEMAS["referral"]
    assert (
        set(referral["properties"])
        == set(referral["required"])
        == set(ShortReferral.__annotations__)
    )
    offer = referral["properties"]["offers"]["items"]
    assert set(offer["properties"]) == set(offer["required"]) == set(ShortOffer.__annotations__)


def test_receipts_go_where_they_are_promised_and_keep_to_their_schema() -> None:
    reports = [parse({"id": str(number), "codes": []}) for number in range(RECEIPT_IDS_MAX + 1)]
    sent = list(receipts(reports, topic_prefix="rb/1"))
    assert [topic for topic, _ in sent] == [address("receipt", "u1")] * 2
    assert all(is_valid("receipt", json.loads(body)) for _, body in sent)
    assert SCHEMAS["receipt"]["properties"]["ids"]["maxItems"] == RECEIPT_IDS_MAX


@pytest.mark.integration
async def test_referrals_go_where_they_are_promised(pool: Pool) -> None:
    topics = []

    class Courier:
        async def deliver(self, topic: str, payload: bytes) -> None:
            assert payload
            topics.append(topic)

    await refer(pool, "u1", "P0301")
    await deliver_once(pool, Courier(), topic_prefix="rb/1")
    assert topics == [address("referral", "u1")]

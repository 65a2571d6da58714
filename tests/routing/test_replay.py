"""A decision made again from its recorded inputs is the same, byte for byte; a change is named."""

import hashlib
import json
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtc_db.need import AnyOf, Arrival, Skill
from dtc_db.urgency import Urgency
from routing.canonical import canonical
from routing.decision import Case, Decision
from routing.directory.snapshot import Directory
from routing.errors import BadRecordingError
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.model import Position, Site
from routing.referral import match_document
from routing.replay import RecordedCase, parse_recording, reconsider, record, replay
from routing.testing import HERE, LIGHT, NOW, case, need, site

ENGINE = case(need("engine.petrol"))
POLICY = load_policy()


def made(a_case: Case, *sites: Site) -> tuple[Decision, Directory]:
    directory = Directory(sites, "7")
    return decide(a_case, directory, POLICY, decided_at=NOW), directory


def recorded(a_case: Case, *sites: Site) -> tuple[bytes, bytes]:
    decision, directory = made(a_case, *sites)
    return record(decision, directory, POLICY), canonical(match_document(decision))


def far_and_near(count: int) -> list[Site]:
    return [
        site(f"s{n:04}", [LIGHT] if n % 7 else [], lat_deg=HERE.lat_deg + n / 500)
        for n in range(count)
    ]


@pytest.mark.parametrize(
    "a_case",
    [
        ENGINE,
        case(need("hydrogen")),
        case(need("engine.petrol"), position=None),
        case(need("engine.petrol"), urgency=Urgency.LIMP, position=Position(2.35, 48.0)),
        case(need(AnyOf((Skill("hv.live"), Skill("brakes"))), arrival=Arrival.TOWED)),
    ],
)
def test_a_recorded_decision_replays_byte_for_byte(a_case: Case) -> None:
    recording, document = recorded(a_case, *far_and_near(300))
    again = replay(parse_recording(recording))
    assert (again.document, again.is_same, again.differences) == (document, True, ())


def test_of_a_large_directory_only_the_sites_that_decided_are_recorded() -> None:
    decision, directory = made(ENGINE, *far_and_near(3000))
    recording = parse_recording(record(decision, directory, POLICY))
    assert recording.directory.is_extract
    assert len(recording.directory.sites) < 150
    assert recording.directory.digest == directory.digest


def test_the_nearest_competent_site_beyond_the_radius_is_recorded() -> None:
    far = site("far", [LIGHT], lat_deg=HERE.lat_deg + 3)
    recording, document = recorded(ENGINE, far, *(site(f"no-{n}") for n in range(60)))
    again = replay(parse_recording(recording))
    assert again.is_same
    assert b"Garage far" in document


def test_where_the_rest_of_the_directory_would_be_missed_all_of_it_is_recorded() -> None:
    """A search that ended at its limit says so; among fewer sites it would not have."""
    shut = [site(f"s{n:03}", [LIGHT], opening_hours="24/7 off") for n in range(300)]
    directory = Directory(shut, "7")
    few = msgspec.structs.replace(POLICY, searched_max=100)
    decision = decide(ENGINE, directory, few, decided_at=NOW)
    recording = parse_recording(record(decision, directory, few))
    assert not recording.directory.is_extract
    assert replay(recording).is_same


def test_another_input_makes_another_list_and_is_noticed() -> None:
    """The control: a recording that was tampered with does not pass."""
    recording = json.loads(recorded(ENGINE, site("a", [LIGHT]), site("b", [LIGHT]))[0])
    recording["directory"]["sites"][0]["name"] = "Garage z"
    assert not replay(parse_recording(json.dumps(recording).encode())).is_same


def test_what_is_another_on_this_machine_is_named() -> None:
    recording = json.loads(recorded(ENGINE, site("a", [LIGHT]))[0])
    recording["inputs"]["tzdata"] = "2020.1"
    recording["directory"]["schemes"] = "0" * 64
    again = replay(parse_recording(json.dumps(recording).encode()))
    assert again.differences[0] == "the schemes of competence are others here"
    assert any(text.startswith("tzdata was 2020.1 and is ") for text in again.differences)


def test_every_field_of_a_case_is_recorded() -> None:
    assert {field.name for field in fields(Case)} == {*RecordedCase.__struct_fields__}


def broken(**changes: Any) -> bytes:
    recording = json.loads(recorded(ENGINE, site("a", [LIGHT]))[0])
    return json.dumps({**recording, **changes}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"null",
        b"[" * 100_000,
        broken(recording="rightbay match 2"),
        broken(decided_at="2026-11-23T10:00:00"),
        broken(decided_at="9999-11-23T10:00:00Z"),
        broken(more=1),
    ],
)
def test_what_is_no_recording_is_refused(content: bytes) -> None:
    with pytest.raises(BadRecordingError):
        parse_recording(content)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["case", "need"], {"skills": "brakes"}),
        (["case", "need"], [1]),
        (["case", "position"], {"lon_deg": 181, "lat_deg": 0}),
        (["policy", "terms", 0, "curve"], []),
        (["directory", "sites", 0, "site_id"], 7),
    ],
)
def test_impossible_values_are_refused(path: list[Any], value: Any) -> None:
    recording = json.loads(broken())
    place = recording
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(BadRecordingError):
        parse_recording(json.dumps(recording).encode())


def test_a_site_that_stands_twice_is_refused() -> None:
    recording = json.loads(broken())
    recording["directory"]["sites"] *= 2
    with pytest.raises(BadRecordingError, match="twice"):
        parse_recording(json.dumps(recording).encode())


def test_a_recording_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.replay.RECORDING_BYTES_MAX", 10)
    with pytest.raises(BadRecordingError, match="longer than 10"):
        parse_recording(broken())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_stumble(content: bytes) -> None:
    with pytest.raises(BadRecordingError):
        parse_recording(content)


def test_a_time_of_another_zone_is_the_same_time() -> None:
    at = datetime.fromisoformat("2026-11-23T11:00:00+01:00")
    directory = Directory([site("a", [LIGHT])], "7")
    documents = {
        canonical(match_document(decide(ENGINE, directory, POLICY, decided_at=when)))
        for when in (NOW, at)
    }
    assert len(documents) == 1


OLD = Path(__file__).with_name("recordings_2026_12.jsonl")


@pytest.mark.parametrize("line", OLD.read_bytes().splitlines())
def test_a_referral_of_an_older_policy_is_decided_as_it_was(line: bytes) -> None:
    recording = parse_recording(line)
    assert recording.policy.version == "2026-12"
    again = json.loads(replay(recording).document)
    for name in ("policy_digest", "case", "directory_digest"):
        assert again["inputs"][name] == recording.inputs[name]
    # Libraries, schemes and laws may be newer here; that changes no more than their names.
    as_recorded = {**again, "inputs": recording.inputs}
    assert hashlib.sha256(canonical(as_recorded)).hexdigest() == recording.result


def test_the_policy_of_today_would_decide_it_otherwise() -> None:
    """The control of the test above: it tells policies apart."""
    recording = parse_recording(OLD.read_bytes().splitlines()[0])
    today = match_document(reconsider(recording, policy=POLICY))
    as_recorded = {**today, "inputs": recording.inputs}
    assert hashlib.sha256(canonical(as_recorded)).hexdigest() != recording.result

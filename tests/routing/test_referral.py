"""The document is the decision, the same bytes anywhere, and gives nothing away."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from dtc_db.need import Arrival
from routing.canonical import canonical
from routing.decision import Case
from routing.directory.snapshot import Directory
from routing.document import ReferralDocument
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.model import Position
from routing.referral import SHORT_OFFERS_MAX, case_digest, referral_document, short_referral
from routing.testing import LIGHT, NOW, case, held, need, site

HERE = Position(2.351234567, 48.857654321)
KEYS = [
    *("referral", "version", "case", "decided_at", "vehicle", "unassigned", "faults", "urgency"),
    *("driver_action", "fleet_action", "need", "arrival", "offers", "excluded", "notices"),
    *("free_choice", "said", "lang", "inputs"),
]


def document(a_case: Case) -> ReferralDocument:
    sites = [site(f"s{number}", [LIGHT], lat_deg=48.8 + number / 50) for number in range(8)]
    sites.append(site("none", lat_deg=48.85))
    decision = decide(a_case, Directory(sites, "7"), load_policy(), decided_at=NOW)
    return referral_document(decision, referral_id="r-1", version=1)


A_CASE = case(need("brakes", equipment=frozenset()), position=HERE, make="kia")


def test_the_document_has_the_stable_names() -> None:
    found = document(A_CASE)
    assert found.keys() == {*KEYS}
    assert found["offers"][0].keys() == {
        *("site", "name", "pos", "distance_m", "road_m", "travel_s", "score"),
        *("terms", "evidence", "reasons", "why"),
    }
    assert found["excluded"][0].keys() == {
        *("site", "name", "distance_m", "rule", "missing", "lapses", "why")
    }
    assert found["decided_at"] == "2026-11-23T10:00:00.000Z"
    assert found["inputs"]["directory"] == "7"


def test_the_bytes_are_canonical_json() -> None:
    raw = canonical(document(A_CASE))
    read = json.loads(raw)
    assert canonical(read) == raw
    again = json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert len(again.encode()) == pytest.approx(len(raw), abs=200)  # but for how floats are written


def test_the_place_of_the_vehicle_is_in_no_document() -> None:
    found = document(A_CASE)
    for text in (canonical(found).decode(), canonical(short_referral(found)).decode()):
        assert "2.351234" not in text
        assert "48.857654" not in text
    # The control: the same search finds what is there.
    assert '"pos":[2.35,' in canonical(found).decode()


def test_the_case_stands_in_the_inputs_by_its_hash() -> None:
    digest = case_digest(A_CASE)
    assert document(A_CASE)["inputs"]["case"] == digest
    moved = replace(A_CASE, position=Position(2.36, 48.85))
    needs_more = replace(A_CASE, need=need("brakes", "chassis"))
    nowhere = replace(A_CASE, position=None)
    towed = replace(A_CASE, need=need("brakes", arrival=Arrival.TOWED))
    assert len({digest, *map(case_digest, (moved, needs_more, nowhere, towed))}) == 5


def test_the_car_gets_what_to_do_and_a_few_places() -> None:
    found = document(A_CASE)
    short = short_referral(found)
    assert short["id"] == "r-1"
    assert short["codes"] == ["P0128"]
    assert short["driver_action"] == A_CASE.driver_action
    assert len(short["offers"]) == SHORT_OFFERS_MAX < len(found["offers"])
    assert [offer["site"] for offer in short["offers"]] == [
        offer["site"] for offer in found["offers"][:SHORT_OFFERS_MAX]
    ]
    assert short["offers"][0]["eta_s"] == found["offers"][0]["travel_s"]
    assert short["offers"][0]["why"]
    assert len(canonical(short)) < 8000


def test_a_document_without_offers_is_short_too() -> None:
    found = document(case(need("hv.live"), position=HERE))
    assert short_referral(found)["offers"] == []
    assert short_referral(found)["notices"]


PROGRAM = """
import hashlib
from datetime import date
from dtc_db.vehicle import VehicleClass
from routing.directory.snapshot import Directory
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.canonical import canonical
from routing.referral import referral_document
from routing.testing import HEAVY, LIGHT, NOW, case, held, need, site
sites = [
    site(f"s{n}", [LIGHT, HEAVY], [held("srs", "airbag course")], lat_deg=48.8 + n / 90,
         vehicle_classes=frozenset(VehicleClass), opening_hours="Mo-Sa 09:00-18:00; PH off",
         equipment=frozenset({"hv.tools", "srs.store", "lift.heavy"}))
    for n in range(60)
]
wanted = need("brakes", "truck.general", "srs.pyrotechnics", equipment=frozenset({"srs.store"}))
decision = decide(case(wanted), Directory(sites, "7"), load_policy(), decided_at=NOW)
document = canonical(referral_document(decision, referral_id="r-1", version=1))
print(len(decision.offers), hashlib.sha256(document).hexdigest())
"""


def test_the_bytes_depend_on_no_hash_seed_zone_or_locale() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(outputs) == 1
    assert outputs.pop().startswith("5 ")


def test_no_title_is_lost_on_the_way_into_the_document() -> None:
    titles = [held("fr-nf-c-18-550", "BCL"), held("fr-nf-c-18-550", "B2VL")]
    decision = decide(
        case(need("hv.isolate", "hv.deenergised")),
        Directory([site("a", titles)], "1"),
        load_policy(),
        decided_at=NOW,
    )
    evidence = referral_document(decision, referral_id="r", version=1)["offers"][0]["evidence"]
    assert {(entry["skill"], entry["title"]) for entry in evidence} == {
        ("hv.isolate", "BCL"),
        ("hv.deenergised", "B2VL"),
    }

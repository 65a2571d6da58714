"""One visit where one place can do it all; else the gravest work first, and nothing is lost."""

import json
from functools import cache, partial
from itertools import combinations
from uuid import UUID, uuid5

import pytest

from dtc_db.codes import parse_code
from dtc_db.knowledge import Knowledge
from dtc_db.languages import LANGUAGES
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from routing.canonical import canonical
from routing.cases import ObservedFault, Weighed, join, weigh
from routing.decision import Decision
from routing.directory.snapshot import Directory
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.model import Position, Site
from routing.plan import plan
from routing.ports import Claim, ClaimedFault, OpenCase, Refer
from routing.referral import match_document
from routing.replay import parse_recording, record, replay
from routing.testing import HERE, LIGHT, NOW, held, site
from routing.visits import decide_visit, works

VEHICLE = UUID(int=1)
CAR = VehicleKind(vehicle_class=VehicleClass.CAR, powertrain=Powertrain.PETROL)
AIRBAG, COLD, MISFIRE = "B0001", "P0534", "P0301"
DIAGNOSES = held("trade", "vehicle diagnostics technician")
SRS, REFRIGERANT = held("srs", "airbag course"), held("eu-fgas-mac", "M1")
GARAGE = site("garage", (LIGHT,))
SPECIALIST = site("specialist", (DIAGNOSES, SRS), equipment=frozenset({"srs.store"}))
COOLER = site("cooler", (LIGHT, REFRIGERANT), equipment=frozenset({"ac.station"}))
BOTH = site(
    *("both", (DIAGNOSES, SRS), (REFRIGERANT,)),
    lon_deg=HERE.lon_deg + 0.2,
    equipment=frozenset({"srs.store", "ac.station"}),
)


@cache
def knowledge() -> Knowledge:
    return Knowledge.load()


def weighed(*codes: str, lang: str = "en") -> Weighed:
    faults = [ObservedFault(code=parse_code(code), ecu="7E8", status="confirmed") for code in codes]
    return weigh(faults, vehicle=CAR, knowledge=knowledge(), lang=lang)


def visit(
    *codes: str, sites: list[Site], position: Position | None = HERE, lang: str = "en"
) -> Decision:
    faults = weighed(*codes, lang=lang)
    return decide_visit(
        faults,
        joined=partial(join, faults, case_id="", is_registered=True, position=position),
        decided=lambda case: decide(case, Directory(sites, "1"), load_policy(), decided_at=NOW),
    )


def check(
    *codes: str, sites: list[Site], offered: list[str], mended: list[str], later: list[str]
) -> None:
    decision = visit(*codes, sites=sites)
    assert [offer.site.site_id for offer in decision.offers] == offered
    assert sorted(fault.code for fault in decision.case.faults) == sorted(mended)
    assert sorted(fault.code for fault in decision.case.later) == sorted(later)
    keys = [reason.key for reason in decision.notices]
    assert ("notices.another_visit" in keys) == bool(later)


def test_the_same_work_is_one_and_the_gravest_comes_first() -> None:
    faults = weighed("P0302", COLD, "P0301", AIRBAG)
    codes = [sorted(str(faults.faults[at].fault.code) for at in work) for work in works(faults)]
    assert codes == [[AIRBAG], ["P0301", "P0302"], [COLD]]


def test_who_can_do_all_of_it_is_offered_all_of_it() -> None:
    check(
        *(AIRBAG, COLD),
        sites=[SPECIALIST, COOLER, BOTH],
        offered=["both"],
        mended=[AIRBAG, COLD],
        later=[],
    )


def test_where_nobody_can_do_all_of_it_the_list_is_for_the_gravest() -> None:
    check(
        *(AIRBAG, COLD),
        sites=[SPECIALIST, COOLER],
        offered=["specialist"],
        mended=[AIRBAG],
        later=[COLD],
    )


def test_what_the_same_place_can_do_is_done_on_the_same_visit() -> None:
    check(
        *(COLD, MISFIRE, AIRBAG),
        sites=[GARAGE, SPECIALIST, COOLER],
        offered=["specialist"],
        mended=[AIRBAG, MISFIRE],
        later=[COLD],
    )


def test_a_list_for_less_than_the_gravest_is_never_made() -> None:
    check(*(AIRBAG, COLD), sites=[COOLER], offered=[], mended=[AIRBAG, COLD], later=[])


def test_nothing_is_parted_for_a_vehicle_that_nobody_can_find() -> None:
    decision = visit(AIRBAG, COLD, sites=[SPECIALIST, COOLER], position=None)
    assert (decision.offers, decision.case.later) == ((), ())


@pytest.mark.parametrize("size", [1, 2, 3])
def test_no_fault_is_lost_and_the_way_there_is_that_of_all(size: int) -> None:
    for codes in combinations((AIRBAG, COLD, MISFIRE, "C0035", "U0100", "P0217"), size):
        faults = weighed(*codes)
        whole = join(faults, case_id="", is_registered=True, position=HERE)
        case = visit(*codes, sites=[SPECIALIST, COOLER]).case
        mended = sorted(fault.code for fault in (*case.faults, *case.later))
        assert mended == sorted(fault.code for fault in whole.faults)
        assert (case.urgency, case.need.arrival) == (whole.urgency, whole.need.arrival)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_reader_is_told_what_is_left_and_the_decision_replays(lang: str) -> None:
    decision = visit(AIRBAG, COLD, sites=[SPECIALIST, COOLER], lang=lang)
    document = match_document(decision)
    assert [fault["code"] for fault in document["later"]] == [COLD]
    assert any(COLD in notice for notice in document["notices"])
    recording = record(decision, Directory([SPECIALIST, COOLER], "1"), load_policy())
    again = replay(parse_recording(recording))
    assert again.is_same
    assert again.document == canonical(document)


def test_once_the_first_visit_is_done_the_rest_is_referred() -> None:
    first = referred(AIRBAG, COLD)
    assert first.referral is not None
    assert offered(first) == ["specialist"]
    # Nothing new: the list still answers, and flickering or repeating changes nothing.
    assert referred(AIRBAG, COLD, case=opened(first)).referral is None
    rest = referred(COLD, case=opened(first))
    assert offered(rest) == ["cooler"]
    assert rest.referral is not None
    assert (rest.case_id, rest.referral.version) == (first.case_id, 2)
    # The control: what was left over and went away by itself asks for nothing.
    assert referred(AIRBAG, case=opened(first)).referral is None


def referred(*codes: str, case: OpenCase | None = None) -> Refer:
    verdict = plan(
        claim(*codes, case=case),
        knowledge=knowledge(),
        directory=Directory([SPECIALIST, COOLER], "1"),
        policy=load_policy(),
        at=NOW,
    )
    assert isinstance(verdict, Refer)
    assert len(verdict.episodes) == len(codes)
    return verdict


def offered(verdict: Refer) -> list[str]:
    assert verdict.referral is not None
    return [offer["site"] for offer in json.loads(verdict.referral.document)["offers"]]


def opened(by: Refer) -> OpenCase:
    """The case as the store gives it back after this verdict was written."""
    made = by.referral
    assert made is not None
    return OpenCase(
        case_id=by.case_id,
        version=made.version,
        need_digest=made.need_digest,
        urgency=made.urgency,
        need=made.need,
        has_offers=bool(made.offer_count),
        directory_version=made.directory_version or "",
        ruled=made.ruled,
    )


def claim(*codes: str, case: OpenCase | None = None) -> Claim:
    return Claim(
        vehicle_id=VEHICLE,
        token=VEHICLE,
        revision=1,
        vehicle=CAR,
        is_registered=True,
        position=HERE,
        faults=tuple(
            ClaimedFault(
                episode_id=uuid5(VEHICLE, code),
                code=parse_code(code),
                ecu="7E8",
                status="confirmed",
                lamps=(),
                gone_at=None,
                onset_at=NOW,
                past=None,
            )
            for code in codes
        ),
        case=case,
    )

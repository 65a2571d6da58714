"""What becomes of a claimed vehicle: a new case, an old one, a wait or an end."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from uuid import UUID, uuid5

import msgspec

from dtc_db.knowledge import Knowledge
from dtc_db.own_rules import Effect, OwnRule, rules_digest
from dtc_db.urgency import Urgency
from routing.cases import ObservedFault, case_of, package_rules
from routing.directory.snapshot import Directory
from routing.matching.match import decide as decide_case
from routing.matching.policy import load_policy
from routing.model import Position
from routing.plan import CAME_BACK_DAYS_MAX, plan
from routing.ports import (
    Claim,
    Close,
    OpenCase,
    PastCase,
    Refer,
    Verdict,
    Wait,
)
from routing.replay import parse_recording, record, replay
from routing.testing import CAR, NOW, VEHICLE, claim, claimed, one_garage


@cache
def knowledge() -> Knowledge:
    return Knowledge.load()


def decide(asked: Claim, sites: Directory | None = None, own: Sequence[OwnRule] = ()) -> Verdict:
    return plan(
        asked,
        knowledge=knowledge(),
        directory=one_garage() if sites is None else sites,
        policy=load_policy(),
        at=NOW,
        rules=package_rules().with_own(own),
    )


def referred(asked: Claim, sites: Directory | None = None, own: Sequence[OwnRule] = ()) -> Refer:
    verdict = decide(asked, sites, own)
    assert isinstance(verdict, Refer)
    return verdict


def opened(by: Refer) -> OpenCase:
    """The case as the store gives it back after this verdict was written."""
    assert by.referral is not None
    return OpenCase(
        case_id=by.case_id,
        version=by.referral.version,
        need_digest=by.referral.need_digest,
        urgency=by.referral.urgency,
        need=by.referral.need,
        has_offers=bool(by.referral.offer_count),
        directory_version=by.referral.directory_version or "",
        is_unassigned=by.referral.is_unassigned,
        ruled=by.referral.ruled,
    )


def test_a_new_fault_opens_a_case_with_a_first_referral() -> None:
    verdict = referred(claim(claimed("P0128")))
    assert verdict.referral is not None
    assert verdict.referral.version == 1
    assert verdict.episodes == (uuid5(VEHICLE, "P0128"),)
    document = json.loads(verdict.referral.document)
    assert document["referral"] == str(verdict.referral.referral_id)
    assert [entry["code"] for entry in document["faults"]] == ["P0128"]
    assert [offer["site"] for offer in document["offers"]] == ["s1"]


def test_deciding_again_makes_the_same_ids_and_the_same_bytes() -> None:
    assert decide(claim(claimed("P0128"))) == decide(claim(claimed("P0128")))


def test_a_further_fault_that_needs_nothing_more_joins_the_case_silently() -> None:
    first = referred(claim(claimed("P0301")))
    again = referred(claim(claimed("P0301"), claimed("P0302"), case=opened(first)))
    assert (again.case_id, again.referral) == (first.case_id, None)
    assert len(again.episodes) == 2


def test_a_fault_that_needs_more_issues_the_referral_of_the_case_anew() -> None:
    first = referred(claim(claimed("P0128")))
    again = referred(claim(claimed("P0128"), claimed("C0035"), case=opened(first)))
    assert again.referral is not None
    assert (again.case_id, again.referral.version) == (first.case_id, 2)
    assert first.referral is not None
    assert again.referral.referral_id != first.referral.referral_id


def test_a_case_that_is_less_grave_than_it_was_is_not_referred_again() -> None:
    first = opened(referred(claim(claimed("P0128"))))
    eased = replace(first, urgency=Urgency.STOP_NOW)
    assert referred(claim(claimed("P0128"), case=eased)).referral is None
    graver = replace(first, urgency=Urgency.INFO)
    assert referred(claim(claimed("P0128"), case=graver)).referral is not None


def test_what_weighs_more_on_the_way_is_referred_as_that() -> None:
    for speed_kmh, is_grave in ((90.0, True), (0.0, False), (None, False)):
        made = referred(replace(claim(claimed("C060F")), speed_kmh=speed_kmh)).referral
        assert made is not None
        assert (made.urgency is Urgency.STOP_NOW) == is_grave


def test_a_fault_that_may_still_return_counts_as_being_there_so_flickering_changes_nothing() -> (
    None
):
    both = opened(referred(claim(claimed("P0128"), claimed("C0035"))))
    flickers = referred(claim(claimed("P0128"), claimed("C0035", gone_in_s=60), case=both))
    assert flickers.referral is None
    assert flickers.again_at == NOW + timedelta(seconds=60)


def test_a_case_of_which_a_part_is_gone_keeps_its_referral() -> None:
    both = opened(referred(claim(claimed("P0128"), claimed("C0035"))))
    rest = referred(claim(claimed("P0128"), claimed("C0035", gone_in_s=0), case=both))
    assert (rest.referral, rest.again_at) == (None, None)
    # The control: of an older row only the digest is known, and that differs.
    assert referred(claim(claimed("P0128"), case=replace(both, need=None))).referral is not None


def test_once_the_vehicle_is_known_its_case_is_referred_for_what_it_really_needs() -> None:
    faults = (claimed("P0128"), claimed("C0035"))
    before = replace(opened(referred(claim(*faults, is_registered=False))), need_digest=b"wider")
    again = referred(claim(*faults, case=before))
    assert again.referral is not None
    assert not again.referral.is_unassigned
    assert referred(claim(*faults, case=before, is_registered=False)).referral is None


NOBODY = Directory([], "0")


def test_a_list_that_was_empty_is_made_again_when_others_are_in_the_directory() -> None:
    empty = opened(referred(claim(claimed("P0128")), NOBODY))
    assert not empty.has_offers
    filled = referred(claim(claimed("P0128"), case=empty)).referral
    assert filled is not None
    assert (filled.version, filled.offer_count, filled.directory_version) == (2, 1, "1")


def test_a_list_that_stays_empty_is_not_issued_again() -> None:
    empty = opened(referred(claim(claimed("P0128")), NOBODY))
    assert referred(claim(claimed("P0128"), case=empty), NOBODY).referral is None
    assert referred(claim(claimed("P0128"), case=empty), Directory([], "7")).referral is None


def test_a_list_that_has_somebody_is_not_made_again_for_a_new_directory() -> None:
    case = opened(referred(claim(claimed("P0128"))))
    assert referred(claim(claimed("P0128"), case=case), NOBODY).referral is None


STORM = ("U0100", "U0121", "U0140", "U0155", "U0101", "U0102", "U0103", "U0104")


def test_a_storm_is_one_case_about_its_cause_and_as_grave_as_its_gravest_fault() -> None:
    storm = referred(claim(*map(claimed, (*STORM, "P0562"))))
    alone = referred(claim(claimed("P0562")))
    assert storm.referral is not None
    assert alone.referral is not None
    assert storm.referral.need is not None
    assert alone.referral.need is not None
    assert storm.referral.need.skills == alone.referral.need.skills
    assert storm.referral.urgency is Urgency.LIMP  # of U0100
    assert {one.reason for one in storm.set_aside} == {"communication_storm"}
    assert len(storm.set_aside) == len(STORM)
    assert len(storm.episodes) == len(STORM) + 1
    codes = {entry["code"] for entry in json.loads(storm.referral.document)["faults"]}
    assert codes == {*STORM, "P0562"}


def test_what_is_left_of_a_storm_without_its_cause_is_a_fault_like_any_other() -> None:
    first = opened(referred(claim(*map(claimed, (*STORM, "P0562")))))
    left = referred(claim(*map(claimed, STORM), claimed("P0562", gone_in_s=0), case=first))
    assert left.set_aside == ()
    assert left.referral is not None
    assert left.referral.version == 2


def test_what_the_unit_itself_provokes_makes_no_case_and_leaves_the_reason() -> None:
    induced = claimed("U0198")
    asked = claim(induced, unit="retrofit-7")
    verdict = decide(asked)
    assert isinstance(verdict, Close)
    (aside,) = verdict.set_aside
    assert (aside.episode_id, aside.reason) == (induced.episode_id, "device_induced")
    assert "telematics" in aside.detail
    both = referred(claim(induced, claimed("P0128"), unit="retrofit-7"))
    assert both.episodes == (uuid5(VEHICLE, "P0128"),)
    assert [one.episode_id for one in both.set_aside] == [induced.episode_id]
    # The control: on any other unit it is a fault.
    assert isinstance(decide(claim(induced)), Refer)


def closed(days_ago: float, number: int = 9) -> PastCase:
    return PastCase(UUID(int=number), NOW - timedelta(days=days_ago))


def test_a_new_case_knows_the_one_it_came_back_from() -> None:
    faults = (
        claimed("P0128", past=closed(30)),
        claimed("P0301", past=closed(3, number=10)),
        claimed("P0302"),
    )
    assert referred(claim(*faults)).came_back_from == UUID(int=10)
    assert referred(claim(claimed("P0302"))).came_back_from is None
    old = closed(CAME_BACK_DAYS_MAX + 0.01)
    assert referred(claim(claimed("P0128", past=old))).came_back_from is None


def test_an_open_case_does_not_come_back_from_another() -> None:
    case = opened(referred(claim(claimed("P0128"))))
    joined = referred(claim(claimed("P0128"), claimed("P0301", past=closed(3)), case=case))
    assert joined.came_back_from is None


def test_a_case_waits_until_its_faults_can_no_longer_return() -> None:
    case = opened(referred(claim(claimed("P0128"))))
    gone = claim(claimed("P0128", gone_in_s=60), claimed("P0301", gone_in_s=30), case=case)
    assert decide(gone) == Wait(NOW + timedelta(seconds=60))


def test_a_case_closes_when_all_its_faults_are_gone_for_good() -> None:
    case = opened(referred(claim(claimed("P0128"))))
    assert decide(claim(claimed("P0128", gone_in_s=0), case=case)) == Close(NOW)


def test_a_vehicle_without_faults_and_without_a_case_is_done_with() -> None:
    assert decide(claim()) == Close(NOW)


IGNORE = OwnRule(effect=Effect.IGNORE, pattern="P0128", by="a manager", at=NOW, rule_id="4")
LOWER = OwnRule(
    effect=Effect.LOWER,
    pattern="P0335",
    by="a manager",
    at=NOW,
    rule_id="5",
    urgency=Urgency.SOON,
    because="two engines",
)


def test_a_rule_made_later_has_the_case_referred_again_with_who_decided_it() -> None:
    first = referred(claim(claimed("P0335")))
    asked = claim(claimed("P0335"), case=opened(first))
    again = referred(asked, own=[LOWER])
    assert again.referral is not None
    assert (again.case_id, again.referral.version) == (first.case_id, 2)
    document = json.loads(again.referral.document)
    assert document["urgency"] == "soon"
    (entry,) = document["faults"]
    assert entry["before"]["urgency"] == "limp"
    assert entry["own_rules"][0]["applied"] is True
    assert entry["own_rules"][0]["rule"]["by"] == "a manager"
    assert document["inputs"]["rules_digest"] == rules_digest([LOWER])
    # Once told it is told; and undone it is told again.
    told = claim(claimed("P0335"), case=opened(again))
    assert referred(told, own=[LOWER]).referral is None
    undone = referred(told).referral
    assert undone is not None
    assert (undone.version, undone.urgency) == (3, Urgency.LIMP)
    assert "own_rules" not in json.loads(undone.document)["faults"][0]


def test_a_rule_that_speaks_of_nothing_here_changes_no_byte_but_the_digest() -> None:
    first = referred(claim(claimed("P0128")))
    asked = claim(claimed("P0128"), case=opened(first))
    assert referred(asked, own=[LOWER]).referral is None
    with_rule, without = referred(claim(claimed("P0128")), own=[LOWER]), first
    assert with_rule.referral is not None
    assert without.referral is not None
    one, other = json.loads(with_rule.referral.document), json.loads(without.referral.document)
    assert one["inputs"].pop("rules_digest") == rules_digest([LOWER])
    assert one == other


def test_a_case_of_which_all_is_ignored_closes_and_the_reason_names_who() -> None:
    case = opened(referred(claim(claimed("P0128"))))
    verdict = decide(claim(claimed("P0128"), case=case), own=[IGNORE])
    assert isinstance(verdict, Close)
    (aside,) = verdict.set_aside
    assert (aside.reason, "a manager" in aside.detail) == ("ignored", True)
    # The control: without the rule the case stays open.
    assert isinstance(decide(claim(claimed("P0128"), case=case)), Refer)


def test_a_case_that_closed_over_an_ignored_fault_goes_on_when_the_rule_is_undone() -> None:
    ignored = claimed("P0128")
    closed_over = replace(
        opened(referred(claim(ignored))), closed_over=frozenset({ignored.episode_id})
    )
    back = referred(claim(ignored, case=closed_over))
    assert back.referral is not None
    assert (back.case_id, back.referral.version) == (closed_over.case_id, 2)
    assert isinstance(decide(claim(ignored, case=closed_over), own=[IGNORE]), Close)
    # Another fault meanwhile is another visit.
    other = referred(claim(ignored, claimed("C0035"), case=closed_over), own=[IGNORE])
    assert other.referral is not None
    assert (other.case_id != closed_over.case_id, other.referral.version) == (True, 1)
    document = json.loads(other.referral.document)
    assert [entry["code"] for entry in document["faults"]] == ["C0035"]
    assert [(e["code"], e["role"]) for e in document["set_aside"]] == [("P0128", "ignored")]


def test_a_referral_with_rules_replays_byte_for_byte() -> None:
    faults = [claimed("P0335"), claimed("P0128"), claimed("P0301"), claimed("P0420")]
    case = case_of(
        [ObservedFault(code=f.code, ecu=f.ecu, status=f.status, onset_at=NOW) for f in faults],
        case_id="c",
        vehicle=CAR,
        is_registered=True,
        position=Position(lon_deg=9.52, lat_deg=47.14),
        knowledge=knowledge(),
        rules=package_rules().with_own([LOWER, IGNORE]),
    )
    decision = decide_case(case, one_garage(), load_policy(), decided_at=NOW)
    recorded = parse_recording(record(decision, one_garage(), load_policy()))
    again = replay(recorded)
    assert (again.is_same, again.differences) == (True, ())
    document = json.loads(again.document)
    assert {"set_aside", "findings"} <= document.keys()
    # The control: who made the rule cannot be changed unseen.
    forged = msgspec.json.encode(recorded).replace(b"a manager", b"nobody at")
    assert not replay(parse_recording(forged)).is_same

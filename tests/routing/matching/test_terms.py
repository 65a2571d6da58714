"""How soon a site takes a vehicle, how repairs there went, and the lot: by published numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import sqrt
from typing import Any, cast
from uuid import UUID, uuid5

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtc_db.languages import LANGUAGES
from dtc_db.need import Arrival
from routing.decision import Decision, Reason
from routing.directory.snapshot import Directory
from routing.geo import unit_vectors
from routing.matching.batch_search import search
from routing.matching.known import known_of
from routing.matching.match import decide, scene_for
from routing.matching.policy import Policy, Prior, load_policy
from routing.matching.texts import load_texts
from routing.matching.turn import DRAWS, draw, is_turn_of_new
from routing.model import Site
from routing.outcomes import Outcomes
from routing.replay import parse_recording, record, replay
from routing.testing import HERE, LIGHT, NOW, case, need, site

POLICY = load_policy()
PRIOR = cast("Prior", POLICY.prior)
BRAKES = case(need("brakes"))
SPACE = UUID(int=7)
REFERRALS = [str(uuid5(SPACE, str(number))) for number in range(600)]
FEW = msgspec.structs.replace(POLICY, offers_max=2, weighed_max=5)


def decided(*sites: Site, policy: Policy = POLICY, seed: str = "") -> Decision:
    return decide(BRAKES, Directory(sites, "1"), policy, decided_at=NOW, seed=seed)


def order(*sites: Site) -> list[str]:
    return [offer.site.site_id for offer in decided(*sites).offers]


def term(decision: Decision, name: str, site_id: str = "a") -> tuple[float, float]:
    offer = next(offer for offer in decision.offers if offer.site.site_id == site_id)
    return next((one.value, one.points) for one in offer.terms if one.name == name)


def whys(decision: Decision, place: int = 0) -> list[Reason]:
    return [*decision.offers[place].why]


# --- time to a slot -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "per_day", "expected"),
    [
        ("24/7", None, (14_400, 25)),
        ("24/7", 1, (14_400, 25)),
        ("24/7", 4, (3_600, 28.75)),
        ("24/7", 100, (144, 29.95)),
        # 11:00 on a Monday there; doors open at 13:00.
        ("Mo-Su 13:00-18:00", 1, (21_600, 19.667)),
        (None, 100, (-1, 0)),
    ],
)
def test_a_slot_is_when_the_doors_are_open_and_half_the_time_between_two_cases(
    hours: str | None, per_day: int | None, expected: tuple[float, float]
) -> None:
    garage = site("a", [LIGHT], opening_hours=hours, cases_per_day=per_day)
    assert term(decided(garage), "slot") == expected


def test_who_says_nothing_of_its_capacity_is_never_taken_to_be_free() -> None:
    silent, one, many = (
        site(name, [LIGHT], cases_per_day=count)
        for name, count in (("a", None), ("b", 1), ("c", 9))
    )
    decision = decided(silent, one, many)
    points = {name: term(decision, "slot", name)[1] for name in "abc"}
    assert points["a"] == points["b"] < points["c"]
    assert order(silent, one, many)[0] == "c"


def test_a_long_wait_costs_more_than_any_capacity_earns() -> None:
    closed = site("closed", [LIGHT], opening_hours="Tu-Su 08:00-18:00", cases_per_day=1000)
    assert order(closed, site("open", [LIGHT])) == ["open", "closed"]


# --- verified outcomes --------------------------------------------------------------------------


def went(name: str, held: int, back: int) -> Site:
    return site(name, [LIGHT], outcomes=(held, back))


def test_few_repairs_never_beat_many_by_luck() -> None:
    assert order(went("lucky", 2, 0), went("proven", 95, 5)) == ["proven", "lucky"]
    assert order(went("lucky", 9, 0), went("proven", 450, 50)) == ["proven", "lucky"]


def test_a_plain_share_would_let_them_and_is_found_out() -> None:
    """The control: read without care for how few they are, two of two stand before 95 of 100."""
    prior = msgspec.structs.replace(PRIOR, repairs=1, held=1, z=0.0)
    terms = [
        msgspec.structs.replace(one, curve=((0, 0), (1000, 15))) if one.name == "outcomes" else one
        for one in POLICY.terms
    ]
    plain = msgspec.structs.replace(POLICY, prior=prior, terms=tuple(terms))
    decision = decided(went("lucky", 2, 0), went("proven", 95, 5), policy=plain)
    assert [offer.site.site_id for offer in decision.offers] == ["lucky", "proven"]


@given(st.integers(0, 300), st.integers(0, 300))
def test_each_repair_counts_and_no_record_stands_between_good_and_bad(held: int, back: int) -> None:
    at, better, worse = (
        PRIOR.measure(went("a", *seen)) or 0
        for seen in ((held, back), (held + 1, back), (held, back + 1))
    )
    if held + back:
        assert worse <= at <= better
    assert worse < 513 if back > held else better > 513 if not back else True


def too_high(prior: Prior, share: float, count: int) -> float:
    """How often so many repairs, of which this share holds in truth, are read as better."""
    chances, chance = [], (1 - share) ** count
    for held in range(count + 1):
        chances.append(chance)
        chance *= (count - held) / (held + 1) * share / (1 - share)
    assert sum(chances) == pytest.approx(1)
    seen = (prior.measure(went("a", held, count - held)) or 0 for held in range(count + 1))
    return sum(chance for chance, least in zip(chances, seen, strict=True) if least > 1000 * share)


@pytest.mark.parametrize("share", [0.7, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("count", [20, 50, 200])
def test_a_share_is_read_as_better_than_it_is_in_about_one_case_of_ten(
    share: float, count: int
) -> None:
    assert too_high(PRIOR, share, count) < 0.15
    # The control: without care it is in about half of them.
    careless = msgspec.structs.replace(PRIOR, z=0.0)
    assert too_high(careless, share, count) > 0.25


def test_no_record_is_the_prior_and_is_said() -> None:
    rule = next(one for one in POLICY.terms if one.name == "outcomes")
    # As if one repair were known that weighs next to nothing: the prior alone.
    alone = replace(site("a"), outcomes=Outcomes(0, 1))
    prior = msgspec.structs.replace(PRIOR, repairs=4, held=4)
    assert prior.measure(alone) == 513
    assert rule.rate(None).points == rule.rate(513).points == 6
    unknown, none, known = site("a", [LIGHT]), went("b", 0, 0), went("c", 7, 1)
    decision = decided(unknown, none, known)
    assert term(decision, "outcomes", "a") == term(decision, "outcomes", "b") == (-1, 6)
    said = {offer.site.site_id: {*offer.why} for offer in decision.offers}
    assert Reason("reasons.outcomes_none") in said["a"] & said["b"]
    assert Reason("reasons.outcomes", (("held", 7), ("count", 8))) in said["c"]


def test_repairs_are_not_counted_below_nothing() -> None:
    with pytest.raises(ValueError, match="counted from 0"):
        Outcomes(-1, 0)


def test_only_sites_that_compete_are_looked_at() -> None:
    """A directory makes each of its sites when somebody first looks at it; most stay unmade."""
    looked: list[int] = []

    class Shelf(Sequence[Site]):
        def __len__(self) -> int:
            return 2

        def __getitem__(self, row: Any) -> Any:
            looked.append(row)
            return went("a", 95, 5)

    directory = Directory([went("a", 95, 5), went("b", 1, 0)], "1")
    directory.sites = Shelf()
    known = known_of(directory, POLICY, "p")
    for _ in range(2):
        intake_s, points = known_of(directory, POLICY, "p").of(np.array([[1, 1]]))
    assert (intake_s.tolist(), points.tolist()) == ([[14_400, 14_400]], [[14_094, 14_094]])
    assert looked == [1]
    assert known is known_of(directory, POLICY, "p") is not known_of(directory, POLICY, "q")


# --- the lot ------------------------------------------------------------------------------------


def firsts(sites: Iterable[Site], referrals: Iterable[str]) -> Counter[str]:
    directory = Directory([*sites], "1")
    scene = scene_for(BRAKES, directory, FEW, arrival=Arrival.DRIVES, decided_at=NOW)
    point, counts = unit_vectors([HERE]), Counter[str]()
    for seed in referrals:
        found = search(replace(scene, seed=seed), point, wanted=FEW.ranked_max)
        counts[directory.sites[int(found.ring.rows[0, 0])].site_id] += 1
    return counts


def is_fair(counts: Counter[str], names: Iterable[str]) -> bool:
    """Whether each got its share, within four standard deviations."""
    shares = [counts[name] for name in names]
    share = 1 / len(shares)
    slack = 4 * sqrt(counts.total() * share * (1 - share))
    return all(abs(count - counts.total() * share) <= slack for count in shares)


def test_equal_sites_get_equal_shares() -> None:
    equal = [site(name, [LIGHT]) for name in "abc"]
    assert is_fair(firsts(equal, REFERRALS), "abc")


def test_without_lots_one_of_them_gets_all_and_is_found_out() -> None:
    """The control of the test above."""
    counts = firsts([site(name, [LIGHT]) for name in "abc"], [""] * 50)
    assert counts == {"a": 50}
    assert not is_fair(counts, "abc")


def test_who_is_clearly_better_is_never_overtaken_by_lot() -> None:
    # 2 points of travel are less than 4 minutes; this is 7 km.
    near, far = site("a", [LIGHT]), site("b", [LIGHT], lat_deg=HERE.lat_deg + 0.063)
    assert firsts([near, far], REFERRALS[:300]) == {"a": 300}


def test_who_is_new_goes_first_in_one_referral_of_ten() -> None:
    new, proven = site("new", [LIGHT]), went("proven", 95, 5)
    counts = firsts([new, proven], REFERRALS)
    turns = sum(is_turn_of_new(seed, 10) for seed in REFERRALS)
    assert abs(turns - 60) <= 4 * sqrt(600 * 0.1 * 0.9)
    # 8.094 points behind for its record, and 8 ahead by turn: then the lot decides between them.
    assert 0.25 * turns < counts["new"] < 0.65 * turns
    assert not firsts([new, proven], [one for one in REFERRALS if not is_turn_of_new(one, 10)])[
        "new"
    ]


def test_where_all_are_new_their_turn_changes_nothing() -> None:
    turn = next(seed for seed in REFERRALS if is_turn_of_new(seed, 10))
    far = site("far", [LIGHT], lat_deg=HERE.lat_deg + 0.063)
    decision = decided(site("a", [LIGHT]), far, seed=turn)
    assert [offer.site.site_id for offer in decision.offers] == ["a", "far"]
    assert not any("lot" in reason.key for offer in decision.offers for reason in offer.why)


def test_a_lot_can_be_drawn_again_from_what_is_published() -> None:
    # printf '%s' 'r-1 a' | sha256sum: the first 16 digits, modulo 10,000.
    assert draw("r-1", site("a"), new_below=1, new_one_in=10**9) == 0xA69726645064FB02 % DRAWS
    assert draw("", site("a"), new_below=1, new_one_in=1) is None


def test_who_stands_higher_by_lot_is_told_so_in_every_language() -> None:
    pair = [site(name, [LIGHT]) for name in "ab"]
    plain = next(s for s in REFERRALS if firsts(pair, [s])["b"] and not is_turn_of_new(s, 10))
    assert Reason("reasons.lot") in whys(decided(*pair, seed=plain))
    assert not any("lot" in one.key for one in whys(decided(*pair, seed=plain), 1))
    new = [site("new", [LIGHT]), went("proven", 95, 5)]
    turn = next(s for s in REFERRALS if firsts(new, [s])["new"])
    reason = Reason("reasons.lot_new", (("one_in", 10),))
    assert reason in whys(decided(*new, seed=turn))
    assert all("10" in load_texts(lang).tell(reason) for lang in LANGUAGES)


@settings(max_examples=40, deadline=None)
@given(st.uuids())
def test_lots_put_nobody_on_the_list_who_may_not_be_on_it(referral: UUID) -> None:
    able = [site(f"s{n}", [LIGHT], lat_deg=HERE.lat_deg + n / 50) for n in range(4)]
    unable = [site(f"u{n}", lat_deg=HERE.lat_deg) for n in range(3)]
    decision = decided(*able, *unable, policy=FEW, seed=str(referral))
    by_rule = {one.site.site_id for one in decision.excluded if one.rule == "skills"}
    assert by_rule == {"u0", "u1", "u2"}
    assert {offer.site.site_id for offer in decision.offers} < {one.site_id for one in able}
    for offer in decision.offers:
        assert offer.score == pytest.approx(sum(one.points for one in offer.terms))


def test_a_referral_replays_with_its_lots() -> None:
    sites = [site(f"s{n}", [LIGHT], outcomes=(n, 1), cases_per_day=n + 1) for n in range(7)]
    directory = Directory(sites, "1")
    decision = decide(BRAKES, directory, POLICY, decided_at=NOW, seed=REFERRALS[3])
    line = record(decision, directory, POLICY)
    assert replay(parse_recording(line)).is_same
    # The control: another referral's lots are other bytes.
    other = line.replace(REFERRALS[3].encode(), REFERRALS[4].encode())
    assert not replay(parse_recording(other)).is_same

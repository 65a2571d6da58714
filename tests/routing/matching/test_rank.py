"""The order of eligible sites follows from published points alone."""

from datetime import timedelta

import pytest

from dtc_db.need import AnyOf, Need, Skill
from routing.competence.catalogue import load_catalogue
from routing.decision import Rule
from routing.directory.opening import Opening, Openness
from routing.directory.snapshot import Directory
from routing.matching.eligible import (
    Failure,
    Question,
    Standing,
    Weighed,
    judge,
    may_pass,
    strongest_evidence,
)
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.matching.rank import terms_of
from routing.model import Evidence, Site
from routing.testing import HERE, LIGHT, NOW, case, held, need, site

DE = "de-dguv-209-093"
POLICY = load_policy()


def order(wanted: Need, *sites: Site) -> list[str]:
    decision = decide(case(wanted), Directory(sites, "1"), POLICY, decided_at=NOW)
    return [offer.site.site_id for offer in decision.offers]


def judged(wanted: Need, garage: Site) -> Standing:
    question = Question.of(case(wanted))
    return judge(garage, question, POLICY, load_catalogue(), day=NOW.date(), at=NOW)


def trade(evidence: Evidence) -> Site:
    return site(evidence.value, [held("trade", "light vehicle technician", evidence=evidence)])


def test_of_otherwise_equal_sites_the_better_evidenced_stands_first() -> None:
    assert order(need("brakes"), *map(trade, Evidence)) == [*reversed(Evidence)]


def test_the_nearer_of_otherwise_equal_sites_stands_first() -> None:
    far, near = (site(f"{m}", [LIGHT], lat_deg=HERE.lat_deg + m / 111_195) for m in (9000, 3000))
    assert order(need("brakes"), far, near) == ["3000", "9000"]


def test_a_site_whose_hours_are_known_stands_before_one_whose_are_not() -> None:
    unknown, known = (site(name, [LIGHT], opening_hours=name) for name in ("by call", "24/7"))
    assert order(need("brakes"), unknown, known) == ["24/7", "by call"]


@pytest.mark.parametrize("wanted", [need("brakes", "hv.isolate"), need(AnyOf((Skill("brakes"),)))])
def test_evidence_is_as_strong_as_the_weakest_title_that_is_needed(wanted: Need) -> None:
    checked = held(DE, "2S", evidence=Evidence.REGISTER_CHECKED)
    assert judged(wanted, site("g", [LIGHT, checked], country="DE")).weakest is Evidence.DECLARED


def test_a_choice_is_shown_by_its_stronger_side() -> None:
    garage = site("g", [LIGHT, held(DE, "2S", evidence=Evidence.REGISTER_CHECKED)], country="DE")
    standing = judged(need(AnyOf((Skill("brakes"), Skill("hv.isolate")))), garage)
    assert standing.weakest is Evidence.REGISTER_CHECKED
    assert [one.skill for one in standing.evidence] == ["hv.isolate"]


def test_who_is_not_competent_has_no_evidence_and_no_points() -> None:
    with pytest.raises(ValueError, match="not competent"):
        strongest_evidence({}, Skill("hv.live"))
    failed = Weighed(
        site=site("a"),
        distance_m=0,
        travel_s=0,
        arrives_at=NOW + timedelta(seconds=1),
        opening=Opening(Openness.OPEN),
        failure=Failure(Rule.SKILLS, ("hv.live",)),
        standing=Standing(failure=None),
    )
    with pytest.raises(ValueError, match="site a breaks a rule"):
        terms_of(failed, POLICY)


@pytest.mark.parametrize(
    ("garage", "may"),
    [
        (site("a"), True),
        (site("a", makes=frozenset({"renault"})), False),
        (site("a", equipment=frozenset({"ac.station"})), False),
        (site("a", equipment=frozenset({"wheel.aligner"})), True),
    ],
)
def test_only_what_a_site_states_can_rule_it_out_beforehand(garage: Site, *, may: bool) -> None:
    wanted = case(need("brakes", equipment=frozenset({"wheel.aligner"})), make="kia")
    assert may_pass(garage, Question.of(wanted)) is may

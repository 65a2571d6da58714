"""The order of eligible sites follows from published points alone."""

import pytest

from dtc_db.need import AnyOf, Skill
from routing.catalogue import load_catalogue
from routing.directory import Near
from routing.eligible import Inquiry, Weighed
from routing.match import arrival_for
from routing.model import Case, Evidence, Site
from routing.policy import load_policy
from routing.rank import rank, strongest_evidence
from routing.testing import LIGHT, NOW, case, held, need, site

DE = "de-dguv-209-093"
POLICY = load_policy()


def weighed(a_case: Case, garage: Site, *, distance_m: int = 0) -> Weighed:
    inquiry = Inquiry(
        case=a_case,
        policy=POLICY,
        arrival=arrival_for(a_case),
        decided_at=NOW,
        catalogue=load_catalogue(),
    )
    return inquiry.weigh(Near(distance_m, garage))


def trade(evidence: Evidence) -> Site:
    return site(evidence.value, [held("trade", "light vehicle technician", evidence=evidence)])


def test_of_otherwise_equal_sites_the_better_evidenced_stands_first() -> None:
    wanted = case(need("brakes"))
    found = rank([weighed(wanted, trade(evidence)) for evidence in Evidence], wanted, POLICY)
    assert [one.weighed.site.site_id for one in found] == [*reversed(Evidence)]


def test_the_nearer_of_otherwise_equal_sites_stands_first() -> None:
    wanted = case(need("brakes"))
    far, near = (weighed(wanted, site("a", [LIGHT]), distance_m=m) for m in (9000, 3000))
    assert [one.weighed for one in rank([far, near], wanted, POLICY)] == [near, far]


def test_a_site_whose_hours_are_known_stands_before_one_whose_are_not() -> None:
    wanted = case(need("brakes"))
    sites = [site("a", [LIGHT], opening_hours=None), site("b", [LIGHT], opening_hours="24/7")]
    found = rank([weighed(wanted, one) for one in sites], wanted, POLICY)
    assert [one.weighed.site.site_id for one in found] == ["b", "a"]


@pytest.mark.parametrize("wanted", [need("brakes", "hv.isolate"), need(AnyOf((Skill("brakes"),)))])
def test_evidence_is_as_strong_as_the_weakest_title_that_is_needed(wanted: object) -> None:
    a_case = case(wanted)  # type: ignore[arg-type] # a Need, as `need` made it
    garage = site(
        "g",
        [LIGHT, held(DE, "2S", evidence=Evidence.REGISTER_CHECKED)],
        country="DE",
    )
    assert strongest_evidence(weighed(a_case, garage), a_case.need.skills)[0] is Evidence.DECLARED


def test_a_choice_is_shown_by_its_stronger_side() -> None:
    a_case = case(need(AnyOf((Skill("brakes"), Skill("hv.isolate")))))
    garage = site("g", [LIGHT, held(DE, "2S", evidence=Evidence.REGISTER_CHECKED)], country="DE")
    level, found = strongest_evidence(weighed(a_case, garage), a_case.need.skills)
    assert level is Evidence.REGISTER_CHECKED
    assert [one.skill for one in found] == ["hv.isolate"]


def test_a_site_that_is_not_competent_is_never_ranked() -> None:
    wanted = case(need("hv.live"))
    with pytest.raises(ValueError, match="site a is not competent"):
        rank([weighed(wanted, site("a", [LIGHT]))], wanted, POLICY)

"""What an assessment promises of the demo's faults and repairers is what following it brings."""

from datetime import UTC, datetime
from functools import partial

import pytest

from dtc_db.codes import parse_code
from dtc_db.knowledge import Knowledge
from routing.assessment.assess import assess, follow
from routing.cases import ObservedFault, case_of
from routing.competence.catalogue import load_catalogue
from routing.decision import Case
from routing.matching.policy import load_policy
from routing.model import Site
from simulators.model import DEMO_BOX
from simulators.network import SITES_MIN, repairer_network
from simulators.world.plan import plan_faults
from simulators.world.roster import fleet_vehicles

AT = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
POLICY, CATALOGUE = load_policy(), load_catalogue()
look = partial(assess, policy=POLICY, catalogue=CATALOGUE, at=AT)
after = partial(follow, policy=POLICY, catalogue=CATALOGUE, on=AT.date())


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """One for each vehicle of a demo's fleet, with what goes wrong in it."""
    fleet, knowledge = fleet_vehicles(24, 1, DEMO_BOX), Knowledge.load()
    faults = {plan.unit: plan.scenario.faults for plan in plan_faults(fleet, seed=1, over_s=1)}
    return [
        case_of(
            [
                ObservedFault(code=parse_code(fault.code_text), ecu="", status="confirmed")
                for fault in faults[vehicle.unit]
            ],
            case_id=vehicle.unit,
            vehicle=vehicle.kind,
            is_registered=True,
            position=vehicle.start,
            knowledge=knowledge,
        )
        for vehicle in fleet
    ]


@pytest.fixture(scope="module")
def sites() -> tuple[Site, ...]:
    return repairer_network(DEMO_BOX, seed=1, sites=SITES_MIN, today=AT.date())


def test_each_advice_that_is_followed_yields_exactly_the_promised_cases(
    cases: list[Case], sites: tuple[Site, ...]
) -> None:
    followed = 0
    for site in sites:
        before = look(site, cases)
        for advice in before.advice:
            found = look(after(site, advice.change), cases)
            assert found.able == before.able | advice.opened
            assert before.able.isdisjoint(advice.opened)
            followed += 1
    assert followed > len(sites)

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import opening_hours
import pytest

from dtc_db.knowledge import Knowledge
from routing.cases import ObservedFault, case_of
from routing.competence.catalogue import load_catalogue as load_schemes
from routing.directory.snapshot import Directory
from routing.matching.match import decide
from routing.matching.policy import load_policy
from routing.model import Site
from simulators.errors import SettingsError
from simulators.model import DEMO_BOX, Box
from simulators.network import COUNTRIES, SITES_MIN, repairer_network
from simulators.world.catalogue import load_catalogue
from simulators.world.roster import fleet_vehicles

TODAY = date(2026, 11, 22)  # a Sunday
NIGHT_AT = datetime(2026, 11, 22, 3, tzinfo=UTC)
BOXES = {"FR": DEMO_BOX, "DE": Box(9.2, 51.15, 9.8, 51.5)}


def network(
    *, seed: int = 1, sites: int = 60, country: str = "FR", today: date = TODAY
) -> tuple[Site, ...]:
    return repairer_network(BOXES[country], seed=seed, sites=sites, country=country, today=today)


def test_the_same_arguments_give_the_same_network() -> None:
    assert network() == network()
    assert network() != network(seed=2)


def test_every_site_stands_in_the_box_under_its_own_number() -> None:
    sites = network(sites=300)
    assert len({site.site_id for site in sites}) == len({site.name for site in sites}) == 300
    for site in sites:
        assert DEMO_BOX.west_deg <= site.position.lon_deg <= DEMO_BOX.east_deg
        assert DEMO_BOX.south_deg <= site.position.lat_deg <= DEMO_BOX.north_deg
        assert site.people
        assert site.vehicle_classes


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_every_title_is_one_of_its_scheme_and_counts_in_the_country(country: str) -> None:
    schemes = load_schemes()
    credentials = {
        (credential.scheme, credential.title)
        for site in network(sites=300, country=country)
        for person in site.people
        for credential in person.credentials
    }
    assert len(credentials) > 10
    for scheme, title in credentials:
        assert schemes.is_valid_in(scheme, title, country), (scheme, title)


def test_some_titles_have_ended_and_some_end_soon() -> None:
    ends = [
        credential.valid_until - TODAY
        for site in network(sites=300)
        for person in site.people
        for credential in person.credentials
        if credential.valid_until is not None
    ]
    assert any(left < timedelta(0) for left in ends)
    assert any(timedelta(0) <= left < timedelta(60) for left in ends)
    assert sum(left > timedelta(60) for left in ends) > len(ends) / 2


def test_no_title_ends_before_it_begins() -> None:
    for site in network(sites=300):
        for person in site.people:
            for credential in person.credentials:
                assert credential.valid_from <= TODAY
                if credential.valid_until is not None:
                    assert credential.valid_from < credential.valid_until


def test_hours_are_in_the_grammar() -> None:
    for hours in {site.opening_hours for site in network(sites=300)}:
        assert hours is not None
        assert opening_hours.validate(hours)


def test_general_garages_are_many_and_specialists_few() -> None:
    trades = Counter(site.name.split(" 0")[0].split(" 1")[0] for site in network(sites=100))
    assert trades["Garage"] == 48
    assert trades["Electric vehicle workshop"] == 8


def offers(sites: tuple[Site, ...], country: str) -> Counter[str]:
    """Decide every scenario for vehicles all over the box, on a Sunday night."""
    directory = Directory(sites, "test")
    knowledge, policy = KNOWLEDGE, load_policy()
    found: Counter[str] = Counter()
    for vehicle in fleet_vehicles(8, 1, BOXES[country]):
        for scenario in load_catalogue().scenarios_of(vehicle.car.name):
            case = case_of(
                [
                    ObservedFault(code=fault.code, ecu=fault.ecu, status="confirmed")
                    for fault in scenario.faults
                ],
                case_id="case",
                vehicle=vehicle.kind,
                is_registered=True,
                position=vehicle.start,
                knowledge=knowledge,
            )
            decision = decide(case, directory, policy, decided_at=NIGHT_AT)
            if not decision.offers:
                found["nobody"] += 1
            elif any(one.distance_m < decision.offers[0].distance_m for one in decision.excluded):
                found["farther"] += 1
            else:
                found["nearest"] += 1
    return found


KNOWLEDGE = Knowledge.load()


@pytest.mark.parametrize("country", sorted(COUNTRIES))
@pytest.mark.parametrize("sites", [SITES_MIN, 60])
def test_somebody_can_mend_whatever_breaks_and_often_not_the_nearest(
    sites: int, country: str
) -> None:
    found = offers(network(sites=sites, country=country), country)
    assert found["nobody"] == 0
    assert found["farther"] > found["nearest"]


def test_without_the_specialists_much_cannot_be_mended() -> None:
    garages = tuple(site for site in network() if site.name.startswith("Garage"))
    assert offers(garages, "FR")["nobody"] > 0


@pytest.mark.parametrize("sites", [0, SITES_MIN - 1, 100_001])
def test_a_network_has_its_limits(sites: int) -> None:
    with pytest.raises(SettingsError, match="a network has"):
        network(sites=sites)


def test_a_country_without_titles_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="'XX'; known are DE, FR"):
        repairer_network(DEMO_BOX, seed=1, sites=60, country="XX", today=TODAY)

"""A snapshot gives its sites nearest first, everywhere on earth, and the able ones among them."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dtc_db.need import AllOf, AnyOf, AtLeast, Expression, Skill
from routing.competence.expression import satisfies
from routing.competence.held import team_evidence
from routing.directory.digest import site_digests, whole_digest
from routing.directory.snapshot import Directory
from routing.model import Absence, Person, Position, ServiceArea, Site
from routing.testing import HEAVY, LIGHT, held, site

DAY = date(2026, 11, 23)
FR = "fr-nf-c-18-550"

degrees = st.sampled_from([-180.0, -179.99, -90.0, 0.0, 0.001, 2.35, 89.99, 90.0, 179.99, 180.0])
places = st.builds(Position, degrees, degrees.filter(lambda value: abs(value) <= 90))
titles = st.builds(
    held,
    st.just(FR),
    st.sampled_from(["BCL", "B2VL", "B2TL", "B0L"]),
    valid_from=st.sampled_from([DAY - timedelta(days=n) for n in (-2, 0, 400)]),
    until=st.sampled_from([None, *(DAY + timedelta(days=n) for n in (-1, 0, 400))]),
    is_revoked=st.booleans(),
)
people = st.lists(st.lists(titles, max_size=2), max_size=2)


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    drawn = draw(st.lists(st.tuples(places, people), max_size=200))
    sites = [
        site(f"s{number:03}", *team, lon_deg=place.lon_deg, lat_deg=place.lat_deg)
        for number, (place, team) in enumerate(drawn)
    ]
    return Directory(draw(st.permutations(sites)) if len(sites) < 20 else sites, "1")


NEEDS: list[Expression] = [
    AllOf(()),
    Skill("hv.live"),
    AllOf((Skill("hv.isolate"), Skill("hv.deenergised"))),
    AnyOf((Skill("hv.live"), Skill("hv.isolate"))),
    AtLeast(2, (Skill("hv.live"), Skill("hv.isolate"), Skill("hv.aware"))),
    AnyOf(()),
    Skill("no.such.skill"),
]


def ids(directory: Directory, rows: Iterable[int]) -> list[str]:
    return [directory.sites[row].site_id for row in rows]


@settings(max_examples=100)
@given(directories(), st.sampled_from(NEEDS))
def test_for_one_day_the_able_sites_are_exactly_the_competent_ones(
    directory: Directory, need: Expression
) -> None:
    competent = [
        one.site_id for one in directory.sites if satisfies(need, team_evidence(one, day=DAY))
    ]
    assert ids(directory, directory.able(need, first_day=DAY, last_day=DAY)) == competent


def test_over_several_days_whoever_is_competent_on_one_of_them_is_able() -> None:
    directory = Directory(
        [
            site("begins", [held(FR, "BCL", valid_from=DAY + timedelta(days=3))]),
            site("ends", [held(FR, "BCL", until=DAY)]),
            site("later", [held(FR, "BCL", valid_from=DAY + timedelta(days=4))]),
            site("over", [held(FR, "BCL", until=DAY - timedelta(days=1))]),
        ],
        "1",
    )
    able = directory.able(Skill("hv.isolate"), first_day=DAY, last_day=DAY + timedelta(days=3))
    assert ids(directory, able) == ["begins", "ends"]


def test_a_site_is_found_by_its_id() -> None:
    directory = Directory([site("c"), site("a")], "1")
    assert [getattr(directory.find(name), "site_id", None) for name in "abcd"] == [
        "a",
        None,
        "c",
        None,
    ]


def test_an_empty_directory_has_nobody() -> None:
    directory = Directory([], "1")
    assert len(directory) == len(directory.whole.rows) == 0


def test_a_site_stands_in_a_directory_once() -> None:
    with pytest.raises(ValueError, match="site a stands in the directory twice"):
        Directory([site("a"), site("b"), site("a")], "1")


def directory_digest(sites: Iterable[Site]) -> str:
    return whole_digest(site_digests(sorted(sites, key=lambda one: one.site_id)))


worlds = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(people, places, st.sampled_from(["FR", "DE"])), max_size=6
).map(
    lambda world: [
        site(name, *team, lon_deg=place.lon_deg, lat_deg=place.lat_deg, country=country)
        for name, (team, place, country) in world.items()
    ]
)


@pytest.mark.parametrize("is_digested", [True, False])
@given(before=worlds, after=worlds, need=st.sampled_from(NEEDS))
def test_a_snapshot_of_what_changed_is_the_one_of_everything(
    before: list[Site], after: list[Site], need: Expression, *, is_digested: bool
) -> None:
    old = Directory(before, "1")
    assert old.digest if is_digested else True
    known, wanted = ({one.site_id: one for one in sites} for sites in (before, after))
    new = old.changed(
        [one for name, one in wanted.items() if known.get(name) != one],
        gone=known.keys() - wanted.keys(),
        version="2",
    )
    whole = Directory(after, "2")
    assert (new.sites, new.version, new.digest) == (whole.sites, "2", whole.digest)
    assert ids(new, new.able(need, first_day=DAY, last_day=DAY)) == ids(
        whole, whole.able(need, first_day=DAY, last_day=DAY)
    )
    assert np.array_equal(new.whole.tree.data, whole.whole.tree.data)
    assert ids(old, old.whole.rows) == sorted(known)  # the one before is as it was


def test_the_digest_is_of_the_content_and_not_of_the_order() -> None:
    sites = [site("a", [LIGHT, HEAVY], []), site("b", equipment=frozenset({"x", "y", "z"}))]
    turned = [sites[1], site("a", [HEAVY, LIGHT], [])]
    assert directory_digest(sites) == directory_digest(turned)
    assert Directory(sites, "1").digest == Directory(turned, "2").digest


@pytest.mark.parametrize(
    "other",
    [
        site("b", [LIGHT]),
        site("a", [HEAVY]),
        site("a", [LIGHT], []),
        site("a", [held("trade", "light vehicle technician", until=DAY)]),
        site("a", [held("trade", "light vehicle technician", is_revoked=True)]),
        site("a", [LIGHT], opening_hours=None),
        site("a", [LIGHT], lon_deg=2.350_000_1),
        site("a", [LIGHT], country="BE"),
        site("a", [LIGHT], makes=frozenset({"renault"})),
        site("a", [LIGHT], access=frozenset({"sermi"})),
        replace(site("a", [LIGHT]), absences=(Absence(DAY, DAY),)),
        replace(site("a", [LIGHT]), service_area=ServiceArea(radius_m=5_000)),
        replace(site("a", [LIGHT]), cases_per_day=0),
        replace(site("a", [LIGHT]), has_replacement_car=False),
        replace(site("a", [LIGHT]), insurers=frozenset({"insurer a"})),
        replace(site("a", [LIGHT]), networks=frozenset({"insurer a"})),
    ],
)
def test_any_change_of_a_site_changes_the_digest(other: Site) -> None:
    assert directory_digest([other]) != directory_digest([site("a", [LIGHT])])


def test_a_site_that_says_nothing_in_later_fields_has_the_digest_that_it_had_before_them() -> None:
    known = [["a", "Garage a", {"lon_deg": 2.35, "lat_deg": 48.85}, "FR", [], [], [], [], "24/7"]]
    written = "".join(json.dumps(one, separators=(",", ":")) + "[]" for one in known)
    assert site_digests([site("a")]).tobytes() == hashlib.sha256(written.encode()).digest()


def test_an_extract_bears_the_digest_of_the_whole() -> None:
    assert Directory([site("a")], "1", digest="of the whole").digest == "of the whole"


@pytest.mark.parametrize(
    "person",
    [
        Person(number=1, hours="Mo-Fr 08:00-12:00"),
        Person(number=1, employer="other"),
        Person(number=1, absences=(Absence(DAY, DAY),)),
        Person(number=2),
    ],
)
def test_any_change_of_a_person_changes_the_digest(person: Person) -> None:
    one, other = (replace(site("a"), people=(each,)) for each in (Person(number=1), person))
    assert directory_digest([one]) != directory_digest([other])

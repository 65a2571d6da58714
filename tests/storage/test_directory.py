"""The directory takes changes whole, gives back what it took, and forgets nothing that it said."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from operator import attrgetter

import asyncpg
import numpy as np
import pytest

from dtc_db.need import Skill
from dtc_db.vehicle import VehicleClass
from routing.directory.digest import site_digests
from routing.directory.snapshot import Directory
from routing.model import Absence, Evidence, HourlyRate, Person, ServiceArea, Site
from routing.testing import LIGHT, held, site
from storage.directory import PostgresDirectoryStore
from storage.migrate import migrate
from storage.pool import Pool, open_pool
from storage.snapshot import read_sites, read_whole

pytestmark = pytest.mark.integration

FR = "fr-nf-c-18-550"
WHOLE = replace(
    site(
        "whole",
        [
            replace(
                held(FR, "BCL", until=date(2027, 1, 31), evidence=Evidence.DOCUMENT_SEEN),
                employer="north \\ south",
                edition="NF C 18-550:2015",
                scope="cars\tand vans\nof one make",
                revoked_on=date(2026, 12, 1),
                is_suspended=True,
            ),
            LIGHT,
        ],
        [],
        vehicle_classes=frozenset({VehicleClass.CAR, VehicleClass.VAN}),
        makes=frozenset({"alfa romeo", 'a,"{b}', "škoda"}),
        equipment=frozenset({"hv.tools"}),
        access=frozenset({"make.diagnostics:alfa romeo"}),
        opening_hours='Mo-Fr 08:00-18:00 "ring \\ twice"',
        lon_deg=2.3500000000000001,
        lat_deg=-0.1,
    ),
    name="Garage \\N\té",
    absences=(Absence(date(2026, 12, 24), date(2027, 1, 2)),),
    service_area=ServiceArea(polygons=((((1.1, 0.2), (2.0, 0.0), (2.0, 1.0), (1.1, 0.2)),),)),
    is_van=True,
    cases_per_day=0,
    hourly_rates=(
        HourlyRate(amount_minor=7_250, currency="EUR", is_net=True),
        HourlyRate(name="T2 \\", amount_minor=9_000, currency="JPY"),
    ),
    languages=frozenset({"fr", "gsw"}),
    networks=frozenset({'network "a", b'}),
    insurers=frozenset({"insurer a", "insurer b"}),
    has_replacement_car=False,
)
KNOWN = Person(
    number=2,
    employer="north",
    employed_from=date(2020, 1, 1),
    employed_until=date(2027, 1, 1),
    hours="Mo-We 08:00-12:00",
    absences=(Absence(date(2026, 12, 24), date(2027, 1, 2)),),
)
WHOLE = replace(WHOLE, people=(WHOLE.people[0], KNOWN))


@pytest.fixture
async def pool(postgres_url: str) -> AsyncIterator[Pool]:
    async with open_pool(postgres_url) as pool:
        await migrate(pool)
        yield pool


@pytest.fixture
def store(pool: Pool) -> PostgresDirectoryStore:
    return PostgresDirectoryStore(pool)


async def sites_of(store: PostgresDirectoryStore, known_at: datetime | None = None) -> list[Site]:
    return [*(await store.fetch_directory(known_at=known_at)).sites]


async def take(store: PostgresDirectoryStore, *sites: Site) -> int | None:
    done = await store.import_sites(sites, source="test", are_people_stated=True)
    return done.version


def now() -> datetime:
    return datetime.now(UTC)


async def test_what_went_in_comes_back_to_the_last_character(
    store: PostgresDirectoryStore,
) -> None:
    plain = site("plain", opening_hours=None)
    await take(store, WHOLE, plain)
    found = await sites_of(store)
    assert found == sorted(
        [replace(WHOLE, people=tuple(map(by_title, WHOLE.people))), plain],
        key=lambda one: one.site_id,
    )
    by_id = sorted([WHOLE, plain], key=lambda one: one.site_id)
    assert site_digests(found).tobytes() == site_digests(by_id).tobytes()


def ordered(sites: Sequence[Site]) -> list[Site]:
    """By id, and what belongs to them as it comes back."""
    return sorted(
        (
            replace(one, people=tuple(sorted(map(by_title, one.people), key=attrgetter("number"))))
            for one in sites
        ),
        key=attrgetter("site_id"),
    )


def by_title(person: Person) -> Person:
    """Titles come back in the order of their schemes."""
    titles = sorted(person.credentials, key=lambda one: (one.scheme, one.title, one.valid_from))
    return replace(person, credentials=tuple(titles))


async def test_the_same_again_changes_nothing_and_has_no_version(
    store: PostgresDirectoryStore,
) -> None:
    first = await take(store, WHOLE)
    assert await take(store, WHOLE) is None
    assert await store.fetch_version() == str(first)


NAMELESS = Person(number=3, employed_from=date(2020, 1, 1))
MANY = [
    WHOLE,
    site(
        "b",
        [
            held(FR, "B0L", valid_from=date.min, until=date.max),
            *(
                held(FR, "BCL", valid_from=date(2020 + n, 1, 1), evidence=evidence)
                for n, evidence in enumerate(Evidence)
            ),
            held(FR, "b2vl", valid_from=date(1, 1, 2), until=date(9999, 12, 30)),
            LIGHT,
        ],
        [],
        [LIGHT, replace(LIGHT, scheme="other", employer="north")],
    ),
    replace(site("c"), people=(replace(KNOWN, number=4), NAMELESS)),
    replace(site("c!"), people=(replace(NAMELESS, employed_from=None, employed_until=date.max),)),
    site("d", [], [held(FR, "b2vl", is_revoked=True)], country="DE"),
]


async def test_all_read_as_numbers_or_as_text_is_the_same(
    store: PostgresDirectoryStore, pool: Pool
) -> None:
    version = await take(store, *MANY)
    async with pool.acquire() as connection, connection.transaction():
        found, _ = await read_whole(connection)
        as_text = await read_sites(connection, version=version or 0)
    assert sorted(as_text, key=lambda one: one.site_id) == ordered(MANY)
    assert (found[-1], found[1:3]) == (ordered(MANY)[-1], ordered(MANY)[1:3])
    assert [*found] == ordered(MANY)
    assert found[0] is found[-len(found)]  # made once


async def test_columns_say_of_sites_what_the_sites_say(
    store: PostgresDirectoryStore,
) -> None:
    await take(store, *MANY)
    whole, text = await store.fetch_directory(), Directory(ordered(MANY), "0")
    days = (date.min, date(2020, 6, 1), date(2027, 2, 1), date.max)
    assert whole.areas.vans is not None
    assert text.areas.vans is not None
    assert np.array_equal(whole.areas.vans, text.areas.vans)
    assert np.array_equal(whole.whole.tree.data, text.whole.tree.data)
    for skill in ("hv.isolate", "hv.deenergised", "hv.live", "hv.aware"):
        for first, last in pairwise(days):
            able, wanted = (
                one.able(Skill(skill), first_day=first, last_day=last).tolist()
                for one in (whole, text)
            )
            assert able == wanted
    assert (whole.digest, whole.sites) == (text.digest, text.sites)


async def test_sites_of_several_lots_are_all_there(store: PostgresDirectoryStore) -> None:
    sites = [site(f"s{n}", [LIGHT] if n % 2 else [], []) for n in range(1_030)]
    await take(store, *sites)
    found = (await store.fetch_directory()).sites
    assert found[-3] == ordered(sites)[-3]  # the last lot before the first
    assert [*found] == ordered(sites)


async def test_what_numbers_cannot_tell_apart_is_read_as_text(
    store: PostgresDirectoryStore, pool: Pool
) -> None:
    await take(store, *MANY)
    async with pool.acquire() as connection, connection.transaction():
        few, _ = await read_whole(connection, kinds_max=1)
        await connection.execute("create schema shadow")
        await connection.execute(
            "create function shadow.hashtextextended(text, bigint) returns bigint "
            "language sql immutable as 'select 1::bigint'"
        )
        await connection.execute("set local search_path = shadow, pg_catalog, public")
        whole, _ = await read_whole(connection)
    assert isinstance(few, list)  # not a sequence that makes its sites later
    assert isinstance(whole, list)
    assert few == whole == ordered(MANY)


async def test_people_with_numbers_beyond_all_others_are_read_too(
    store: PostgresDirectoryStore,
) -> None:
    far = replace(site("a"), people=(Person(number=1 << 20, credentials=(LIGHT,)),))
    await take(store, far)
    assert await sites_of(store) == [far]


async def test_what_changed_comes_in_without_the_rest_being_read(
    store: PostgresDirectoryStore, pool: Pool
) -> None:
    stays, changes, goes = site("a", [LIGHT]), site("b", [LIGHT]), site("c")
    await take(store, stays, changes, goes)
    before = await store.fetch_directory()
    await take(store, replace(changes, name="renamed"), site("d"))
    await pool.execute("delete from site where site_id = 'c'")
    after = await store.fetch_directory()
    assert [one.name for one in after.sites] == ["Garage a", "renamed", "Garage d"]
    assert after.sites[0] is before.sites[0]
    assert after.digest == (await PostgresDirectoryStore(pool).fetch_directory()).digest


async def test_equal_titles_are_one_object_in_memory(store: PostgresDirectoryStore) -> None:
    await take(store, site("a", [LIGHT]), site("b", [LIGHT]))
    one, other = await sites_of(store)
    assert one.people[0].credentials[0] is other.people[0].credentials[0]


async def test_what_was_known_at_a_moment_can_be_asked_for_ever_after(
    store: PostgresDirectoryStore, pool: Pool
) -> None:
    before = now()
    good = site("a", [held(FR, "BCL")], [])
    await take(store, good)
    then = now()
    title = replace(held(FR, "BCL"), is_revoked=True)
    changed = replace(
        site("a", [title, LIGHT], [], equipment=frozenset({"hv.tools"})), name="Another name"
    )
    changed = replace(changed, people=(changed.people[0], replace(KNOWN, credentials=())))
    await take(store, changed)
    later = now()
    await take(store, replace(changed, people=(replace(changed.people[0], hours="24/7"),)))
    assert await sites_of(store, before) == []
    assert await sites_of(store, then) == [good]
    assert await sites_of(store, later) == [changed]
    await pool.execute("delete from site")
    assert await sites_of(PostgresDirectoryStore(pool)) == []
    assert await sites_of(store, then) == [good]
    versions = [int((await store.fetch_directory(known_at=at)).version) for at in (before, then)]
    assert versions == [0, 1]


async def test_what_was_kept_before_there_were_further_columns_is_still_known(
    store: PostgresDirectoryStore, pool: Pool
) -> None:
    await take(store, site("a"))
    then = now()
    await take(store, replace(site("a"), cases_per_day=5))
    await pool.execute(
        "update superseded set content = content - 'networks' - 'is_van' - 'absences'"
    )
    assert await sites_of(store, then) == [site("a")]


@pytest.mark.parametrize("table", ["site", "person", "credential"])
async def test_no_row_can_be_overwritten_without_a_version(
    store: PostgresDirectoryStore, pool: Pool, table: str
) -> None:
    await take(store, WHOLE)
    with pytest.raises(asyncpg.RaiseError, match=f"{table} changes without a new version"):
        await pool.execute(f"update {table} set site_id = 'other'")  # noqa: S608 - our names


async def test_a_dry_run_says_what_would_change_and_changes_nothing(
    store: PostgresDirectoryStore,
) -> None:
    done = await store.import_sites([WHOLE], source="test", is_dry_run=True)
    assert (done.sites_added, done.credentials_added) == (1, 2)
    assert await sites_of(store) == []
    assert await store.fetch_version() == "0"


async def test_titles_can_be_changed_without_saying_again_what_is_known_of_people(
    store: PostgresDirectoryStore,
) -> None:
    await take(store, WHOLE)
    again = site("whole", [], [LIGHT])
    await store.import_sites([again], source="test")
    (found,) = await sites_of(store)
    assert found.people[1] == replace(KNOWN, credentials=(LIGHT,))
    done = await store.import_sites([again], source="test", are_people_stated=True)
    assert done.people_changed == 1


async def test_a_site_named_without_people_keeps_them(store: PostgresDirectoryStore) -> None:
    await take(store, WHOLE)
    await take(store, replace(WHOLE, people=()))
    assert len((await sites_of(store))[0].people) == 2


async def test_known_sites_are_told_from_others(store: PostgresDirectoryStore) -> None:
    await take(store, site("a"))
    assert await store.find_known(["a", "b"]) == {"a"}


async def test_a_change_is_read_alone_and_gives_what_reading_everything_gives(
    store: PostgresDirectoryStore, pool: Pool
) -> None:
    await take(store, WHOLE, site("a", [LIGHT]), site("b", [LIGHT], []))
    before = await store.fetch_directory()
    await take(
        store,
        site("b", [replace(LIGHT, is_revoked=True)], []),
        replace(site("a"), people=(Person(number=1, hours="24/7"),)),
        site("c", [LIGHT]),
    )
    after = await store.fetch_directory()
    assert [*after.sites] == await sites_of(PostgresDirectoryStore(pool))
    assert after.version != before.version
    kept = {one.site_id: one for one in before.sites}
    assert [one.site_id for one in after.sites if one is kept.get(one.site_id)] == ["whole"]

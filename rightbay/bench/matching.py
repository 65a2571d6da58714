"""Eligible and ranked top five, beside what only finds near points: the same sites and questions.

The contenders are unequal, to our disadvantage. We weigh dated titles, opening hours at arrival and
equipment, rank the nearest fifty and keep a reason; a bare tree finds fifty points of any kind,
and PostGIS and plain arrays find the five nearest sites of those that somebody marked beforehand.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from random import Random
from statistics import median

import asyncpg
import numpy as np
import psutil

from dtc_db.need import Arrival, Need, Skill, all_of
from dtc_db.urgency import Urgency
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from rightbay.bench.turns import Ratio, compare, time_in_turns
from routing.decision import Case
from routing.directory.snapshot import Directory
from routing.geo import unit_vectors
from routing.matching.batch_search import Scene, search
from routing.matching.eligible import Question, may_pass
from routing.matching.explain import weigh
from routing.matching.match import arrival_for, decide, scene_for
from routing.matching.policy import load_policy
from routing.matching.rank import terms_of
from routing.model import Position, Site
from simulators.model import Box
from simulators.network import SITES_MAX as DRAWN_SITES_MAX
from simulators.network import repairer_network

BOX = Box(-4, 43, 8, 50)
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
SKILLS = ("hv.deenergised", "hv.isolate", "hv.live")
BATCH_PLACES = 1_000
NEIGHBOURS = 50
BRUTE_PLACES = 50
POLICY = load_policy()
OURS = "ours, in batches"
# What is asked for, and how much rarer than drawn it is made.
NEEDS: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("one skill, common", ("brakes",), 1),
    ("three skills", SKILLS, 1),
    ("three skills, ten times rarer", SKILLS, 10),
    ("three skills, a hundred times rarer", SKILLS, 100),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One contender.

    Attributes:
        per_s: Cases a second and core, the median of the rounds.
        slower: How many times slower than ours in batches; None for that one itself.
    """

    name: str
    per_s: float
    slower: Ratio | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was measured with one number of sites.

    Attributes:
        memory_mb: What this process holds in all, with the sites and everything remembered of them.
    """

    sites: int
    memory_mb: int
    eligible: int
    rows: tuple[Row, ...]


def measure(*, sites: int, rounds: int) -> Result:
    """Measure all contenders that live in this process, in turns."""
    world = World.drawn(sites)
    runs: dict[str, Callable[[], int]] = {
        **dict(_ours(world)),
        "bare tree, 50 neighbours": world.query_tree,
        "plain arrays, 5 nearest": world.scan_arrays,
    }
    rates = time_in_turns(runs, rounds=rounds, before=lambda: None)
    return _result(world, rates)


async def measure_postgis(
    url: str, *, sites: int, rounds: int, skills: Sequence[str] = SKILLS, thinned: int = 1
) -> Result:
    """Measure PostGIS beside us, both by processor time: ours, and that of its server process.

    What its client spends is not counted. It makes two temporary tables and leaves nothing behind.

    Args:
        url: Of a database on this machine.
        sites: To draw.
        rounds: Of which the median counts.
        skills: That the need asks for.
        thinned: Of the sites that have them, one in so many keeps its people.

    Raises:
        asyncpg.PostgresError: If the database has no PostGIS.
        psutil.NoSuchProcess: If the server runs on another machine.
    """
    world = World.drawn(sites, skills=skills, thinned=thinned)
    connection = await asyncpg.connect(url)
    rates: dict[str, list[float]] = {}
    try:
        server = psutil.Process(await connection.fetchval("select pg_backend_pid()"))
        await _fill(connection, world)
        for number in range(rounds + 1):
            turn = time_in_turns(dict(_ours(world)), rounds=1, before=lambda: None)
            for name, query in _QUERIES.items():
                turn[name] = [await _query(connection, query, world, server)]
            for name, rate in turn.items() if number else ():
                rates.setdefault(name, []).extend(rate)
    finally:
        await connection.close()
    return _result(world, rates)


def _result(world: "World", rates: Mapping[str, Sequence[float]]) -> Result:
    return Result(
        sites=len(world.directory),
        memory_mb=round(psutil.Process().memory_info().rss / 1e6),
        eligible=len(world.marked),
        rows=_rows(rates),
    )


def _ours(world: "World") -> Iterator[tuple[str, Callable[[], int]]]:
    yield OURS, world.search_batch
    yield "ours, one at a time", world.search_each
    yield "ours, one at a time, in words", world.decide_each


def _rows(rates: Mapping[str, Sequence[float]]) -> tuple[Row, ...]:
    return tuple(
        Row(name, median(rate), None if name == OURS else compare(rates[OURS], rate))
        for name, rate in rates.items()
    )


@dataclass(frozen=True, slots=True)
class World:
    """Sites, and cases among them with the same need.

    Attributes:
        marked: Rows of the sites that may be eligible today, as another system would mark them.
    """

    directory: Directory
    cases: tuple[Case, ...]
    scene: Scene
    marked: np.ndarray[tuple[int], np.dtype[np.intp]]
    skills: tuple[str, ...] = SKILLS

    @classmethod
    def drawn(cls, sites: int, *, skills: Sequence[str] = SKILLS, thinned: int = 1) -> "World":
        """Draw a world of so many sites; the same arguments give the same world."""
        world = cls._of(draw_sites(sites), tuple(skills))
        if thinned == 1:
            return world
        kept = {*world.marked[::thinned].tolist()}
        lost = {*world.marked.tolist()} - kept
        fewer = [
            replace(site, people=()) if row in lost else site
            for row, site in enumerate(world.directory.sites)
        ]
        return cls._of(fewer, tuple(skills))

    @classmethod
    def _of(cls, drawn: Sequence[Site], skills: tuple[str, ...]) -> "World":
        directory = Directory(drawn, "bench")
        cases = tuple(draw_cases(BATCH_PLACES, skills))
        scene = scene_for(
            cases[0], directory, POLICY, arrival=arrival_for(cases[0]), decided_at=NOW
        )
        question = Question.of(cases[0])
        today = NOW.date()
        able = directory.able(question.skills, first_day=today, last_day=today)
        sites_there = directory.sites
        marked = np.array([row for row in able.tolist() if may_pass(sites_there[row], question)])
        return cls(directory, cases, scene, marked, skills)

    @property
    def points(self) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """Where the cases are, as unit vectors."""
        return unit_vectors([case.position for case in self.cases if case.position])

    def search_batch(self) -> int:
        """All cases together: the best five of each, with what every term measured."""
        search(self.scene, self.points, wanted=POLICY.offers_max)
        return len(self.cases)

    def search_each(self) -> int:
        """One case after the other: the best five as values, with terms and evidence."""
        for case in self.cases[::10]:
            if case.position is not None:
                found = search(self.scene, unit_vectors([case.position]), wanted=POLICY.offers_max)
                for column in range(int(found.count[0])):
                    terms_of(weigh(self.scene, found.ring, 0, column), POLICY)
        return len(self.cases[::10])

    def decide_each(self) -> int:
        """One case after the other, with a sentence for everyone who was weighed."""
        for case in self.cases[::10]:
            decide(case, self.directory, POLICY, decided_at=NOW)
        return len(self.cases[::10])

    def query_tree(self) -> int:
        """The fifty nearest sites of any kind, from scipy's tree alone."""
        self.directory.whole.tree.query(self.points, k=min(NEIGHBOURS, len(self.directory)))
        return len(self.cases)

    def scan_arrays(self) -> int:
        """The five nearest marked sites, from numpy alone."""
        units = self.directory.whole.tree.data
        is_marked = np.zeros(len(units), dtype=np.bool_)
        is_marked[self.marked] = True
        for point in self.points[:BRUTE_PLACES]:
            closeness = np.where(is_marked, units @ point, -2)
            np.argpartition(closeness, -POLICY.offers_max)[-POLICY.offers_max :]
        return BRUTE_PLACES


@lru_cache(maxsize=1)
def draw_sites(count: int) -> tuple[Site, ...]:
    """Sites over France; beyond what the simulator draws, its sites again in other places."""
    drawn = repairer_network(BOX, seed=1, sites=min(count, DRAWN_SITES_MAX), today=NOW.date())
    return drawn + tuple(_copies(drawn, count - len(drawn)))


def _copies(drawn: Sequence[Site], count: int) -> Iterator[Site]:
    random = Random("copies")  # noqa: S311 - a simulation, no secret
    for number in range(count):
        place = Position(
            random.uniform(BOX.west_deg, BOX.east_deg), random.uniform(BOX.south_deg, BOX.north_deg)
        )
        site = drawn[number % len(drawn)]
        yield replace(site, site_id=f"copy-{number:07}", position=place)


def draw_cases(count: int, skills: Sequence[str]) -> Iterator[Case]:
    """Cases over France that need these skills; the same arguments give the same cases."""
    random = Random("cases")  # noqa: S311 - likewise
    need = Need(
        skills=all_of(map(Skill, skills)),
        equipment=frozenset({"hv.tools"} if "hv.isolate" in skills else ()),
        arrival=Arrival.TOWED,
    )
    vehicle = VehicleKind(vehicle_class=VehicleClass.CAR, powertrain=Powertrain.BEV)
    for number in range(count):
        yield Case(
            case_id=str(number),
            vehicle=vehicle,
            is_registered=True,
            position=Position(
                random.uniform(BOX.west_deg + 1, BOX.east_deg - 1),
                random.uniform(BOX.south_deg + 1, BOX.north_deg - 1),
            ),
            faults=(),
            need=need,
            urgency=Urgency.TOW,
            driver_action="",
            fleet_action="",
        )


async def _fill(connection: asyncpg.Connection, world: World) -> None:
    marked = {*world.marked.tolist()}
    await connection.execute("create extension if not exists postgis")
    await connection.execute(
        "create temporary table bench_site"
        " (site_id text, place geography(point), skills text[] not null)"
    )
    await connection.execute(
        "create temporary table bench_held (site_id text, skill text, first date, last date)"
    )
    sites = world.directory.sites
    await connection.execute(
        _INSERT,
        [site.site_id for site in sites],
        [site.position.lon_deg for site in sites],
        [site.position.lat_deg for site in sites],
        # The unmarked ones hold some of the skills, but never all.
        [
            " ".join(world.skills if row in marked else world.skills[: row % len(world.skills)])
            for row in range(len(sites))
        ],
    )
    held = _held(world.directory)
    await connection.execute(_INSERT_HELD, *(list(column) for column in zip(*held, strict=True)))
    await connection.execute("create index on bench_site using gist (place)")
    await connection.execute("create index on bench_held (site_id, skill)")
    await connection.execute("analyze bench_site")
    await connection.execute("analyze bench_held")


def _held(directory: Directory) -> list[tuple[str, str, date, date]]:
    """Every skill that a title shows, with its days."""
    return [
        (site.site_id, skill, one.valid_from, one.valid_until or date.max)
        for site in directory.sites
        for person in site.people
        for one in person.credentials
        if (title := directory.catalogue.find_title(one.scheme, one.title)) is not None
        for skill in title.skills
    ]


_INSERT = """
insert into bench_site
select site_id, st_makepoint(lon, lat)::geography, string_to_array(skills, ' ')
from unnest($1::text[], $2::float[], $3::float[], $4::text[]) as t (site_id, lon, lat, skills)
"""
_INSERT_HELD = """
insert into bench_held
select * from unnest($1::text[], $2::text[], $3::date[], $4::date[])
"""
# Marked beforehand: the answer for today stands in the row. By date: titles are asked, as we do.
_QUERIES = {
    "PostGIS, 5 nearest, marked": """
        select site_id, st_distance(place, $1::text::geography)
        from bench_site
        where skills @> $2::text[]
        order by place <-> $1::text::geography
        limit 5
    """,
    "PostGIS, 5 nearest, by date": """
        select site_id, st_distance(place, $1::text::geography)
        from bench_site s
        where not exists (
            select from unnest($2::text[]) as needed (skill)
            where not exists (
                select from bench_held h
                where h.site_id = s.site_id and h.skill = needed.skill
                    and h.first <= current_date and h.last >= current_date
            )
        )
        order by place <-> $1::text::geography
        limit 5
    """,
}


async def _query(
    connection: asyncpg.Connection, query: str, world: World, server: psutil.Process
) -> float:
    statement = await connection.prepare(query)
    asked = [case.position for case in world.cases[::10] if case.position]
    before = server.cpu_times()
    for place in asked:
        await statement.fetch(f"SRID=4326;POINT({place.lon_deg} {place.lat_deg})", [*world.skills])
    after = server.cpu_times()
    return len(asked) / (after.user + after.system - before.user - before.system)

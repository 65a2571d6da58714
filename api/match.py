"""``POST /v1/match`` decides and keeps nothing; ``GET /v1/ranking-policy`` says how.

The directory is held in memory, as the router holds it, and loaded anew when its version is
another one; loading takes long, and is done once at a time.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, ConfigDict, Field

from api import schemas
from api.routes import Database, check_host
from dtc_db.codes import Code, parse_code
from dtc_db.errors import MalformedCodeError
from dtc_db.knowledge import Knowledge
from dtc_db.need import Arrival
from dtc_db.urgency import ORDER
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from gateway.model import Status
from routing.canonical import canonical
from routing.cases import ObservedFault, Weighed, join, weigh
from routing.decision import Case, Decision, Rule
from routing.directory.snapshot import Directory
from routing.errors import CasesUnavailableError, DataFileError
from routing.matching.match import TIME_MAX, TIME_MIN
from routing.matching.policy import Policy, load_policy
from routing.matching.principal import convert_principal
from routing.matching.shortlist import decide_by_road
from routing.matching.texts import load_texts
from routing.model import Position
from routing.ports import TravelTimes
from routing.principal import Principal
from routing.referral import match_document
from routing.visits import decide_visit
from storage.directory import PostgresDirectoryStore
from storage.errors import DatabaseUnavailableError
from storage.pool import Pool

CODES_MAX, CODE_LENGTH_MAX, WORD_LENGTH_MAX = 50, 40, 40
YEAR_MIN, YEAR_MAX = 1886, 2100

router = APIRouter(prefix="/v1", dependencies=[Depends(check_host)], tags=["match"])


class Asked(schemas.Shape):
    """A vehicle with faults, somewhere."""

    model_config = ConfigDict(extra="forbid")

    codes: Annotated[
        list[Annotated[str, Field(max_length=CODE_LENGTH_MAX)]],
        Field(min_length=1, max_length=CODES_MAX, examples=[["P0AA6"]]),
    ]
    pos: Annotated[
        list[float] | None,
        Field(min_length=2, max_length=2, description="Longitude, latitude."),
    ] = None
    at: Annotated[
        AwareDatetime | None,
        Field(ge=TIME_MIN, le=TIME_MAX, description="When; now if absent."),
    ] = None
    vehicle_class: VehicleClass = VehicleClass.UNKNOWN
    powertrain: Powertrain = Powertrain.UNKNOWN
    make: Annotated[str, Field(max_length=WORD_LENGTH_MAX)] = ""
    model_year: Annotated[int | None, Field(ge=YEAR_MIN, le=YEAR_MAX)] = None
    soc_pct: Annotated[
        float | None, Field(ge=0, le=100, description="What the traction battery still holds.")
    ] = None
    status: Annotated[
        Status, Field(description="Of all the codes, as the control unit tells it.")
    ] = Status.CONFIRMED
    principal: Annotated[
        dict[str, Any] | None,
        Field(description="Whose rules hold, with the keys of docs/ranking.md."),
    ] = None
    warranty_until: Annotated[date | None, Field(description="Last day of the warranty.")] = None
    lang: Annotated[Literal["en", "fr", "de"], Field(description="Of all sentences.")] = "en"


class WayShape(schemas.Shape):
    """What one way of getting there allows."""

    arrival: str
    radius_m: int
    speed_kmh_max: int
    fetch_s: int


class BatteryShape(schemas.Shape):
    """What a battery-electric vehicle of a class is taken to have, and to need."""

    vehicle_class: str
    kwh: int
    kwh_per_100_km: int


class TermShape(schemas.Shape):
    """A part of the score: straight lines between the points of the curve."""

    name: str
    unit: str
    text: str
    curve: list[list[float]]
    points_max: float
    points_unknown: float


class RuleShape(schemas.Shape):
    """What a site must fulfil so that it may be on the list."""

    rule: str
    text: str


class RankingPolicy(schemas.Shape):
    """Who may be on a list, and who stands before whom."""

    version: str
    digest: str
    text: list[str]
    rules: list[RuleShape]
    terms: list[TermShape]
    ways: list[WayShape]
    batteries: list[BatteryShape]
    battery_reserve_pct: int
    deadline_h: dict[str, int]
    offers_max: int
    competing_max: int

    @classmethod
    def of(cls, policy: Policy, *, lang: str = "en") -> Self:
        """Put the numbers into words."""
        texts = load_texts(lang)
        return cls(
            version=policy.version,
            digest=policy.digest,
            text=texts.about_policy(policy),
            rules=[
                RuleShape(rule=rule.value, text=texts.text("policy_rules", rule.value))
                for rule in Rule
            ],
            terms=[
                TermShape(
                    name=term.name,
                    unit=term.unit,
                    text=term.text.get(lang, term.text["en"]),
                    curve=[[value, points] for value, points in term.curve],
                    points_max=max(points for _, points in term.curve),
                    points_unknown=term.unknown or 0,
                )
                for term in policy.terms
            ],
            ways=[
                WayShape(
                    arrival=arrival.value,
                    radius_m=policy.arrivals[arrival].radius_m,
                    speed_kmh_max=policy.arrivals[arrival].speed_kmh_max,
                    fetch_s=policy.arrivals[arrival].fetch_s,
                )
                for arrival in Arrival
            ],
            batteries=[
                BatteryShape(
                    vehicle_class=name.value,
                    kwh=battery.kwh,
                    kwh_per_100_km=battery.kwh_per_100_km,
                )
                for name, battery in (policy.reach.batteries if policy.reach else {}).items()
            ],
            battery_reserve_pct=policy.reach.reserve_pct if policy.reach else 0,
            deadline_h={urgency.value: policy.deadline_h[urgency] for urgency in ORDER},
            offers_max=policy.offers_max,
            competing_max=policy.ranked_max,
        )


class Snapshots:
    """The directory as it is now, for one pool."""

    def __init__(self, pool: Pool, travel: TravelTimes | None = None) -> None:
        self._travel = travel
        self._store = PostgresDirectoryStore(pool)
        self._directory: Directory | None = None
        self._loading = asyncio.Lock()
        self._deciding = asyncio.Lock()

    async def current(self) -> Directory:
        """Fetch the directory, if the one at hand is not the current version.

        Raises:
            DatabaseUnavailableError: The database does not answer.
        """
        try:
            async with self._loading:
                version = await self._store.fetch_version()
                if self._directory is None or self._directory.version != version:
                    self._directory = await self._store.fetch_directory()
                return self._directory
        except CasesUnavailableError as error:
            raise DatabaseUnavailableError(str(error)) from error

    async def decide(
        self, weighed: Weighed, joined: Callable[[frozenset[int]], Case], *, at: datetime
    ) -> Decision:
        """Decide from the directory as it is now, one case at a time: it remembers as it goes.

        Args:
            weighed: As for `routing.visits.decide_visit`.
            joined: Likewise.
            at: When the decision is made.

        Raises:
            DatabaseUnavailableError: The database does not answer.
        """
        directory = await self.current()
        async with self._deciding:
            decided = partial(
                decide_by_road,
                directory=directory,
                policy=load_policy(),
                decided_at=at,
                travel=self._travel,
            )
            return await asyncio.to_thread(decide_visit, weighed, joined=joined, decided=decided)


def snapshots_of(request: Request, pool: Database) -> Snapshots:
    """The directory that the application holds."""
    state = request.app.state
    if not hasattr(state, "snapshots"):
        state.snapshots = Snapshots(pool, state.travel)
    found: Snapshots = state.snapshots
    return found


def _knowledge(request: Request) -> Knowledge:
    state = request.app.state
    if not hasattr(state, "knowledge"):
        state.knowledge = Knowledge.load()
    found: Knowledge = state.knowledge
    return found


_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The decision: `need`, `offers`, `excluded`, `notices`, `inputs` and what "
        "they rest on, as canonical JSON.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@router.post("/match", responses=_ANSWER, response_class=Response)
async def match(
    asked: Asked,
    snapshots: Annotated[Snapshots, Depends(snapshots_of)],
    knowledge: Annotated[Knowledge, Depends(_knowledge)],
) -> Response:
    """Who may mend these faults, who may not, and why. Nothing of it is stored."""
    weighed = weigh(
        [
            ObservedFault(code=code, ecu="", status=asked.status.value)
            for code in _codes(asked.codes)
        ],
        vehicle=VehicleKind(
            vehicle_class=asked.vehicle_class,
            powertrain=asked.powertrain,
            make=asked.make.lower() or None,
            model_year=asked.model_year,
        ),
        knowledge=knowledge,
        lang=asked.lang,
    )
    joined = partial(
        join,
        weighed,
        case_id="",
        is_registered=True,
        position=_position(asked.pos),
        principal=_principal(asked.principal),
        warranty_until=asked.warranty_until,
        soc_pct=asked.soc_pct,
    )
    at = datetime.now(UTC) if asked.at is None else asked.at
    decision = await snapshots.decide(weighed, joined, at=at)
    return Response(canonical(match_document(decision)), media_type="application/json")


@router.get("/ranking-policy")
async def get_ranking_policy(lang: Literal["en", "fr", "de"] = "en") -> RankingPolicy:
    """How lists are made, in numbers and in plain words."""
    return RankingPolicy.of(load_policy(), lang=lang)


def _codes(texts: list[str]) -> list[Code]:
    codes: list[Code] = []
    for number, given in enumerate(texts):
        try:
            codes.append(parse_code(given))
        except MalformedCodeError as error:
            text = "expected a code such as P0301, P0301-1C or 609/9"
            raise _malformed(("codes", number), text) from error
    return codes


def _position(pos: list[float] | None) -> Position | None:
    if pos is None:
        return None
    try:
        return Position(lon_deg=pos[0], lat_deg=pos[1])
    except ValueError as error:
        raise _malformed(("pos",), str(error)) from error


def _principal(given: dict[str, Any] | None) -> Principal | None:
    if given is None:
        return None
    try:
        return convert_principal(given)
    except DataFileError as error:
        raise _malformed(("principal",), str(error)) from error


def _malformed(where: tuple[str | int, ...], text: str) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": ("body", *where), "msg": text}])

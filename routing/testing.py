"""Values for tests of this room and its neighbours, built in few words."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

from dtc_db.codes import parse_code
from dtc_db.need import Expression, Need, Skill, all_of
from dtc_db.urgency import Urgency
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from routing.decision import Case, CaseFault
from routing.directory.snapshot import Directory
from routing.model import Credential, Evidence, Person, Position, Site
from routing.outcomes import Outcomes
from routing.ports import Claim, ClaimedFault, OpenCase, PastCase
from routing.travel.model import Measured, RoadTime, Setback, Unmeasured

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # a Monday
HERE = Position(2.35, 48.85)
LONG_AGO = date(2020, 1, 1)
VEHICLE = UUID(int=1)
CAR = VehicleKind(vehicle_class=VehicleClass.CAR, powertrain=Powertrain.PETROL)


def held(  # noqa: PLR0913 - a test names only what differs
    scheme: str,
    title: str,
    *,
    valid_from: date = LONG_AGO,
    until: date | None = None,
    evidence: Evidence = Evidence.DECLARED,
    is_revoked: bool = False,
) -> Credential:
    """A title, without end and in force unless said otherwise."""
    return Credential(
        scheme=scheme,
        title=title,
        valid_from=valid_from,
        valid_until=until,
        evidence=evidence,
        is_revoked=is_revoked,
    )


LIGHT = held("trade", "light vehicle technician")
HEAVY = held("trade", "heavy vehicle technician")


def team(*people: Sequence[Credential]) -> tuple[Person, ...]:
    """People numbered from 1, each with their titles."""
    return tuple(
        Person(number=number, credentials=tuple(credentials))
        for number, credentials in enumerate(people, start=1)
    )


def site(  # noqa: PLR0913 - likewise
    site_id: str = "a",
    *people: Sequence[Credential],
    lon_deg: float = HERE.lon_deg,
    lat_deg: float = HERE.lat_deg,
    country: str = "FR",
    vehicle_classes: frozenset[VehicleClass] = frozenset(),
    makes: frozenset[str] = frozenset(),
    equipment: frozenset[str] = frozenset(),
    access: frozenset[str] = frozenset(),
    opening_hours: str | None = "24/7",
    cases_per_day: int | None = None,
    outcomes: tuple[int, int] | None = None,
) -> Site:
    """A site that is always open, where the vehicle stands, unless said otherwise."""
    return Site(
        site_id=site_id,
        name=f"Garage {site_id}",
        position=Position(lon_deg, lat_deg),
        country=country,
        vehicle_classes=vehicle_classes,
        makes=makes,
        equipment=equipment,
        access=access,
        opening_hours=opening_hours,
        people=team(*people),
        cases_per_day=cases_per_day,
        outcomes=None if outcomes is None else Outcomes(*outcomes),
    )


class FixedTimes:
    """An engine that says what a test wants it to say.

    Attributes:
        asked: The sites of each question, by id.
    """

    def __init__(self, *times: tuple[str, int, int], setback: Setback | None = None) -> None:
        """Take ``(site, road_m, drive_s)``; the map knows no way to any other site."""
        self._times = {site_id: (road_m, drive_s) for site_id, road_m, drive_s in times}
        self._setback = setback
        self.asked: list[list[str]] = []

    def measure(
        self, origin: Position, sites: Sequence[Site], *, vehicle_class: VehicleClass
    ) -> Measured:
        """Answer as `routing.ports.TravelTimes` does."""
        del origin, vehicle_class
        ids = [site.site_id for site in sites]
        self.asked.append(ids)
        if self._setback is not None:
            return Measured(engine="fixed", roads="", setback=self._setback)
        return Measured(
            engine="fixed",
            roads="1",
            times=tuple(
                RoadTime(site_id=name, road_m=self._times[name][0], drive_s=self._times[name][1])
                for name in ids
                if name in self._times
            ),
            unmeasured=tuple((name, Unmeasured.NO_WAY) for name in ids if name not in self._times),
        )


def need(*skills: str | Expression, **more: object) -> Need:
    """All of the skills; ``more`` are fields of `Need`."""
    parts = (Skill(skill) if isinstance(skill, str) else skill for skill in skills)
    return Need(skills=all_of(parts), **more)  # type: ignore[arg-type] # checked by Need's users


def case(  # noqa: PLR0913 - likewise
    wanted: Need,
    *,
    position: Position | None = HERE,
    vehicle_class: VehicleClass = VehicleClass.CAR,
    powertrain: Powertrain = Powertrain.PETROL,
    make: str | None = None,
    urgency: Urgency = Urgency.SOON,
    is_registered: bool = True,
) -> Case:
    """One fault of one registered car."""
    fault = CaseFault(
        code="P0128", ecu="7E8", status="confirmed", text="coolant thermostat", urgency=urgency
    )
    return Case(
        case_id="0b0e7d2e-6f0c-5a52-9f5e-0d6d3e2f9a11",
        vehicle=VehicleKind(vehicle_class=vehicle_class, powertrain=powertrain, make=make),
        is_registered=is_registered,
        position=position,
        faults=(fault,),
        need=wanted,
        urgency=urgency,
        driver_action="drive to a workshop soon",
        fleet_action="plan a visit",
    )


def claimed(
    code: str,
    *,
    status: str = "confirmed",
    gone_in_s: float | None = None,
    past: PastCase | None = None,
) -> ClaimedFault:
    """A fault of `VEHICLE` that is on, or off and gone for good in so many seconds."""
    return ClaimedFault(
        episode_id=uuid5(VEHICLE, code),
        code=parse_code(code),
        ecu="7E8",
        status=status,
        lamps=(),
        gone_at=None if gone_in_s is None else NOW + timedelta(seconds=gone_in_s),
        onset_at=NOW,
        past=past,
    )


def claim(
    *faults: ClaimedFault,
    case: OpenCase | None = None,
    unit: str = "u1",
    is_registered: bool = True,
) -> Claim:
    """`VEHICLE`, a petrol car near Vaduz, as the store hands it to the router."""
    return Claim(
        vehicle_id=VEHICLE,
        token=UUID(int=2),
        revision=1,
        vehicle=CAR,
        is_registered=is_registered,
        position=Position(lon_deg=9.52, lat_deg=47.14),
        faults=faults,
        case=case,
        unit=unit,
    )


def one_garage() -> Directory:
    """A directory of one garage in Vaduz, for light work."""
    mechanic = held("trade", "light vehicle technician", evidence=Evidence.DOCUMENT_SEEN)
    garage = Site(
        site_id="s1",
        name="Garage 1",
        position=Position(lon_deg=9.53, lat_deg=47.15),
        country="LI",
        vehicle_classes=frozenset({VehicleClass.CAR}),
        people=team([mechanic]),
    )
    return Directory([garage], "1")

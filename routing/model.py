"""What is registered: sites with their people and what these hold, and vehicles."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from routing.outcomes import Outcomes


@dataclass(frozen=True, slots=True)
class Position:
    """A place on the WGS 84 ellipsoid; refuses what lies outside it.

    Raises:
        ValueError: If longitude is outside [-180, 180] or latitude outside [-90, 90].
    """

    lon_deg: float
    lat_deg: float

    def __post_init__(self) -> None:
        if not (-180 <= self.lon_deg <= 180 and -90 <= self.lat_deg <= 90):
            raise ValueError("longitude must be in [-180, 180] and latitude in [-90, 90]")


class Evidence(StrEnum):
    """How a title is known, from weakest to strongest."""

    DECLARED = "declared"
    DOCUMENT_SEEN = "document_seen"
    REGISTER_CHECKED = "register_checked"
    VERIFIED = "verified"  # cryptographically


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A title that one person holds under one scheme.

    Attributes:
        scheme: Name of a scheme file, such as ``de-dguv-209-093``.
        title: As given, in one of the spellings that the scheme knows, such as ``2S``.
        valid_from: First day on which it counts.
        valid_until: Last day on which it counts; None where the scheme sets no end.
        is_revoked: Taken back, nobody said when: it counts on no day.
        revoked_on: First day, by UTC, on which it counts no longer because it was taken back.
        is_suspended: Out of force until whoever issued it says otherwise.
        employer: For whom the person worked when it was issued, in the directory's own word; empty
            if nobody said.
        edition: Of the scheme's text under which it was issued, as given.
        scope: What the document says it is limited to, as given; read by people, not by rules.
    """

    scheme: str
    title: str
    valid_from: date
    valid_until: date | None
    evidence: Evidence = Evidence.DECLARED
    is_revoked: bool = False
    revoked_on: date | None = None
    is_suspended: bool = False
    employer: str = ""
    edition: str = ""
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Absence:
    """Days, by the calendar of the place, on which somebody is away; the last one included.

    Raises:
        ValueError: If the last day lies before the first.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("an absence cannot end before it begins")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A technician: a number within the site, never a name.

    Attributes:
        employer: For whom the person works here, in the directory's own word; empty if nobody said.
        employed_from: First day here; None if it is not known.
        employed_until: Last day here; None while no end is agreed.
        hours: When the person works, in OpenStreetMap's grammar; None means whenever it is open.
        absences: Holidays and the like.
    """

    number: int
    credentials: tuple[Credential, ...] = ()
    employer: str = ""
    employed_from: date | None = None
    employed_until: date | None = None
    hours: str | None = None
    absences: tuple[Absence, ...] = ()


type Ring = tuple[tuple[float, float], ...]  # (lon_deg, lat_deg), the last like the first


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceArea:
    """Where a site's people go to the vehicle: either a circle around the site or polygons.

    Attributes:
        radius_m: Great-circle distance from the site.
        polygons: Each an outer ring and then its holes; none crosses itself or the date line.

    Raises:
        ValueError: If it is neither or both.
    """

    radius_m: int | None = None
    polygons: tuple[tuple[Ring, ...], ...] = ()

    def __post_init__(self) -> None:
        if (self.radius_m is None) is not bool(self.polygons):
            raise ValueError("a service area is either a radius or polygons")


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlyRate:
    """What an hour of work costs, as the site publishes it.

    Attributes:
        name: Of the kind of work, in the site's own word, such as ``T2``; empty for any.
        amount_minor: In the smallest unit of the currency: cents, or whole yen.
        currency: ISO 4217, such as ``EUR``.
        is_net: Without the tax that a private customer pays on top.
    """

    name: str = ""
    amount_minor: int
    currency: str
    is_net: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What keeps a site off every list, from a moment on.

    Attributes:
        measure: ``suspended`` or ``removed``.
        cause: In one word that may be told to everybody.
        since: Aware.
    """

    measure: str
    cause: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One workshop of a repairer, or one van.

    Attributes:
        site_id: Stable external id, such as ``osm:node/123``.
        country: ISO 3166-1 alpha-2, empty where unknown.
        vehicle_classes: What it takes; empty means that nobody said, which is not "everything".
        makes: The only makes it works on, lower case; empty means any.
        equipment: What stands there, in the words of ``dtc_db.need.Need.equipment``.
        access: Diagnostic access, in the words of ``dtc_db.need.Need.access``; for one make only
            with its name behind, as in ``make.diagnostics:toyota``.
        opening_hours: OpenStreetMap grammar; None where unknown.
        absences: Days on which the whole site is closed whatever its hours say.
        service_area: Where it goes to the vehicle; None if vehicles come to it only.
        is_van: There is no workshop: it serves its area, and no vehicle can be brought to it.
        cases_per_day: How many new cases it takes on an open day; None where nobody said.
        hourly_rates: As published, by name; empty where nobody said.
        languages: In which one is understood there: ISO 639, two or three letters, lower case.
        networks: Of which it is a member, lower case.
        insurers: By whom it is approved, lower case.
        has_replacement_car: Whether one is lent while the vehicle is there; None where nobody said.
        bar: Why, and from when, it is on no list; None if it may be.
        outcomes: How verified repairs there went; None where none is known.
    """

    site_id: str
    name: str
    position: Position
    country: str = ""
    vehicle_classes: frozenset[VehicleClass] = frozenset()
    makes: frozenset[str] = frozenset()
    equipment: frozenset[str] = frozenset()
    access: frozenset[str] = frozenset()
    opening_hours: str | None = None
    people: tuple[Person, ...] = ()
    absences: tuple[Absence, ...] = ()
    service_area: ServiceArea | None = None
    is_van: bool = False
    cases_per_day: int | None = None
    hourly_rates: tuple[HourlyRate, ...] = ()
    languages: frozenset[str] = frozenset()
    networks: frozenset[str] = frozenset()
    insurers: frozenset[str] = frozenset()
    has_replacement_car: bool | None = None
    bar: Bar | None = None
    outcomes: Outcomes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredVehicle:
    """A vehicle as its keeper registered it, with its identity. Never part of a decision.

    Attributes:
        unit: The telematics unit in it.
        vin: 17 characters; None where the keeper gave none. Kept out of ``repr``.
        make: Lower case.
        fleet: The keeper's own word for a group of vehicles.
        principal: Whose rules hold for it, by name.
        warranty_until: Last day of the maker's warranty.
        lang: In which language its driver reads.
    """

    unit: str
    vin: str | None = field(default=None, repr=False)
    make: str | None = None
    model: str | None = None
    model_year: int | None = None
    powertrain: Powertrain = Powertrain.UNKNOWN
    vehicle_class: VehicleClass = VehicleClass.UNKNOWN
    fleet: str | None = None
    principal: str | None = None
    warranty_until: date | None = None
    lang: str | None = None

    @property
    def kind(self) -> VehicleKind:
        """The vehicle without its identity."""
        return VehicleKind(
            vehicle_class=self.vehicle_class,
            powertrain=self.powertrain,
            make=self.make,
            model_year=self.model_year,
        )

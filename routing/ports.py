"""What the router needs from the world, in its own words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from dtc_db.codes import Code
from dtc_db.layers import Layer
from dtc_db.need import Need
from dtc_db.own_rules import OwnRule
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleClass, VehicleKind
from routing.directory.snapshot import Directory
from routing.model import Position, Site
from routing.principal import Principal
from routing.travel.model import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedFault:
    """A fault of a claimed vehicle: it is on, or it belongs to the open case.

    Attributes:
        status: In the words of the gateway's statuses.
        gone_at: None while it is on; else when it is taken to be gone for good.
        onset_at: When the vehicle first saw it, by our clock.
        past: The last closed case in which the same fault was, if any.
    """

    episode_id: UUID
    code: Code
    ecu: str
    status: str
    lamps: tuple[tuple[str, str], ...]
    gone_at: datetime | None
    onset_at: datetime | None = None
    past: "PastCase | None" = None


@dataclass(frozen=True, slots=True)
class PastCase:
    """A case that is closed."""

    case_id: UUID
    closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCase:
    """The case that a vehicle has open, and what its latest referral answered.

    Attributes:
        version: Of the latest referral; 0 before the first.
        need: What that referral asked for; None if only its digest is known.
        has_offers: Whether anybody stood on its list.
        directory_version: Of the snapshot that it was made from.
        is_unassigned: Whether nobody had registered the unit by then.
        ruled: What the customer's rules did to each fault of that referral, as `ruled_of` has it;
            None if that was not kept, which was before rules reached the router.
        closed_over: Of a case that was closed while these of its faults were on, because a rule
            set them aside: the episodes. Empty of a case that is open.
        agreement: Digest of the principal's rules by which that referral was made; empty if
            nobody's held, None if it was not kept.
        listed: The sites on its list, as `listed_of` has them; None likewise.
    """

    case_id: UUID
    version: int
    need_digest: bytes
    urgency: Urgency
    need: Need | None = None
    has_offers: bool = True
    directory_version: str = ""
    is_unassigned: bool = False
    ruled: Mapping[str, Sequence[str]] | None = None
    closed_over: frozenset[UUID] = frozenset()
    agreement: str | None = None
    listed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A vehicle about which something is to be decided, held by a lease.

    Attributes:
        token: Of the lease; what is decided after it ran out does not count.
        revision: Of what was known; decisions on older knowledge do not remove newer work.
        position: Where the vehicle was when it last reported a change.
        soc_pct: What its traction battery held then; None if it did not say.
        speed_kmh: How fast it was then; likewise.
        case: The open one; with none, the latest that was closed over a fault which is still on.
        unit: The name of the telematics unit in it.
        principal: Whose rules hold for it; None where nobody's do.
        warranty_until: Last day of the maker's warranty.
        lang: In which language its driver reads.
        fleet: Whose vehicle it is; empty if nobody said.
    """

    vehicle_id: UUID
    token: UUID
    revision: int
    vehicle: VehicleKind
    is_registered: bool
    position: Position | None
    faults: tuple[ClaimedFault, ...]
    case: OpenCase | None
    unit: str = ""
    principal: Principal | None = None
    warranty_until: date | None = None
    lang: str = "en"
    fleet: str = ""
    soc_pct: float | None = None
    speed_kmh: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReferral:
    """A decision to be written.

    Attributes:
        document: The whole referral as canonical JSON.
        short: What the car gets, as JSON.
        need: What it asks for; kept to tell whether it still answers.
        offer_count: How many stand on its list.
        directory_version: Of the snapshot that it was made from.
        ruled: As in `OpenCase`.
        agreement: Likewise.
        listed: Likewise.
    """

    referral_id: UUID
    version: int
    decided_at: datetime
    need_digest: bytes
    urgency: Urgency
    is_unassigned: bool
    document: bytes
    short: bytes
    need: Need | None = None
    offer_count: int | None = None
    directory_version: str | None = None
    ruled: Mapping[str, Sequence[str]] | None = None
    agreement: str | None = None
    listed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SetAside:
    """A fault that makes no case of its own.

    Attributes:
        reason: The finding that it follows from, `device_induced`, `not_a_fault` or `ignored`.
        detail: The same for people, with who decided it where a customer's rule did.
    """

    episode_id: UUID
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is to be decided before `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Close:
    """All faults of the case are gone for good; with no case, there was nothing to do.

    Attributes:
        set_aside: Faults that are on, and make no case.
        withdrawn: The last version of the case's referral, if the case closes over a fault that is
            on because a rule set it aside: it takes back what was recommended.
    """

    at: datetime
    set_aside: tuple[SetAside, ...] = ()
    withdrawn: NewReferral | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refer:
    """These faults are the case now.

    Attributes:
        episodes: What the visit is for, and what follows from it.
        referral: None if the latest one still answers.
        set_aside: Faults that make no case of their own, whether they follow from this one or not.
        came_back_from: Of a new case: the closed one that had the same fault.
        again_at: When to look again although nothing comes in: a fault that went off may have
            returned by then. None if there is none.
    """

    case_id: UUID
    at: datetime
    episodes: tuple[UUID, ...]
    referral: NewReferral | None
    set_aside: tuple[SetAside, ...] = ()
    came_back_from: UUID | None = None
    again_at: datetime | None = None


Verdict = Wait | Close | Refer
type Decided = tuple[Claim, Verdict]


class CaseStore(Protocol):
    """Where the router finds its work and leaves its decisions."""

    async def claim(self, *, limit: int, lease_s: float) -> Sequence[Claim]:
        """Take up to `limit` vehicles that are due and that nobody else holds.

        Raises:
            CasesUnavailableError: If the database is away; trying again is safe.
        """

    async def complete(self, decided: Sequence[Decided]) -> frozenset[UUID]:
        """Write verdicts in one transaction, and give their vehicles back.

        Returns:
            The vehicles whose verdict was written. Nothing is of one whose lease ran out, or about
            which newer knowledge came in meanwhile.

        Raises:
            CasesUnavailableError: If the database is away; trying again is safe.
            VerdictRefusedError: If one of them cannot be written ever; then none was.
        """

    async def wait_for_work(self, *, timeout_s: float) -> None:
        """Return when something may be due, at the latest after `timeout_s`."""


class TravelTimes(Protocol):
    """An engine that knows roads."""

    def measure(
        self, origin: Position, sites: Sequence[Site], *, vehicle_class: VehicleClass
    ) -> Measured:
        """Find the way from the vehicle to each site, as a vehicle of this class may drive it.

        Never raises, and never takes much longer than a second: what could not be measured stands
        in the answer with the reason.

        Args:
            origin: Where the vehicle is.
            sites: At most `routing.travel.model.SITES_MAX`.
            vehicle_class: Trucks and buses may not go everywhere.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What customers added to the knowledge, as one snapshot.

    Attributes:
        layers: The lists that speak now, the newest first.
        rules: The rules that speak now.
    """

    version: str
    layers: Sequence[Layer] = ()
    rules: Sequence[OwnRule] = ()


class AddedStore(Protocol):
    """Where customers' own lists of codes and rules come from."""

    async def fetch_version(self) -> str:
        """The version that is current; cheap."""

    async def fetch_added(self) -> Added:
        """All of it, as of one version."""


class DirectoryStore(Protocol):
    """Where the directory of repairers comes from."""

    async def fetch_version(self) -> str:
        """The version that is current; cheap."""

    async def fetch_directory(self) -> Directory:
        """The current directory, whole."""

"""What the router needs from the world, in its own words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from dtc_db.codes import Code
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleKind
from routing.directory import Directory
from routing.model import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedFault:
    """A fault of a claimed vehicle: it is on, or it belongs to the open case.

    Attributes:
        status: In the words of the gateway's statuses.
        gone_at: None while it is on; else when it is taken to be gone for good.
    """

    episode_id: UUID
    code: Code
    ecu: str
    status: str
    lamps: tuple[tuple[str, str], ...]
    gone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCase:
    """The case that a vehicle has open, and what its latest referral answered.

    Attributes:
        version: Of the latest referral; 0 before the first.
    """

    case_id: UUID
    version: int
    need_digest: bytes
    urgency: Urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A vehicle about which something is to be decided, held by a lease.

    Attributes:
        token: Of the lease; what is decided after it ran out does not count.
        revision: Of what was known; decisions on older knowledge do not remove newer work.
        position: Where the vehicle was when it last reported a change.
    """

    vehicle_id: UUID
    token: UUID
    revision: int
    vehicle: VehicleKind
    is_registered: bool
    position: Position | None
    faults: tuple[ClaimedFault, ...]
    case: OpenCase | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReferral:
    """A decision to be written.

    Attributes:
        document: The whole referral as canonical JSON.
        short: What the car gets, as JSON.
    """

    referral_id: UUID
    version: int
    decided_at: datetime
    need_digest: bytes
    urgency: Urgency
    is_unassigned: bool
    document: bytes
    short: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is to be decided before `until`."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Close:
    """All faults of the case are gone for good; with no case, there was nothing to do."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refer:
    """These faults are the case now.

    Attributes:
        referral: None if the latest one still answers.
    """

    case_id: UUID
    at: datetime
    episodes: tuple[UUID, ...]
    referral: NewReferral | None


Verdict = Wait | Close | Refer


class CaseStore(Protocol):
    """Where the router finds its work and leaves its decisions."""

    async def claim(self, *, limit: int, lease_s: float) -> Sequence[Claim]:
        """Take up to `limit` vehicles that are due and that nobody else holds.

        Raises:
            CasesUnavailableError: If the database is away; trying again is safe.
        """

    async def complete(self, claim: Claim, verdict: Verdict) -> bool:
        """Write a verdict in one transaction, and give the vehicle back.

        Returns:
            False if nothing was written: the lease ran out, or newer knowledge came in meanwhile.

        Raises:
            CasesUnavailableError: If the database is away; trying again is safe.
        """

    async def wait_for_work(self, *, timeout_s: float) -> None:
        """Return when something may be due, at the latest after `timeout_s`."""


class DirectoryStore(Protocol):
    """Where the directory of repairers comes from."""

    async def fetch_version(self) -> str:
        """The version that is current; cheap."""

    async def fetch_directory(self) -> Directory:
        """The current directory, whole."""

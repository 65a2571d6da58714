"""The shapes of HTTP answers, converted by hand from the values of the rooms.

What is not known is absent, never null.
"""

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from api.cursors import encode_cursor
from storage import log, views


def without_null(field: dict[str, Any]) -> None:
    """Let a field's schema say what is sent: one that may be unknown is optional, not nullable."""
    choices = [choice for choice in field.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del field["anyOf"]
        field.pop("default", None)
        field.update(choices[0])


def _fields_without_null(schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        without_null(field)


def shown_by(*examples: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """For a shape that is asked for: what its schema says of its fields, and examples of it."""

    def describe(schema: dict[str, Any]) -> None:
        _fields_without_null(schema)
        schema["examples"] = [*examples]

    return describe


class Shape(BaseModel):
    """What all answers have in common."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_fields_without_null)


class MalformedPart(Shape):
    """A part of a request that cannot be read."""

    where: str
    text: str


class Problem(Shape):
    """The one shape of every error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[MalformedPart] | None = None


class Health(Shape):
    """The process lives."""

    alive: bool = True


class Readiness(Shape):
    """The service can work; and how far behind it is, each absent if nothing waits."""

    ready: bool
    oldest_work_s: float | None = None
    oldest_push_s: float | None = None
    oldest_log_entry_s: float | None = None

    @classmethod
    def of(cls, value: views.Readiness) -> Self:
        """Convert."""
        return cls(
            ready=value.is_current,
            oldest_work_s=value.work_age_s,
            oldest_push_s=value.push_age_s,
            oldest_log_entry_s=value.entry_age_s,
        )


class Referral(Shape):
    """A referral without its document."""

    referral: UUID
    case: UUID
    vehicle: UUID
    version: int
    decided_at: datetime
    urgency: str
    unassigned: bool

    @classmethod
    def of(cls, value: views.ReferralSummary) -> Self:
        """Convert."""
        return cls(
            referral=value.referral_id,
            case=value.case_id,
            vehicle=value.vehicle_id,
            version=value.version,
            decided_at=value.decided_at,
            urgency=value.urgency,
            unassigned=value.is_unassigned,
        )


class Referrals(Shape):
    """A page of referrals, newest first; `after` asks for the next one."""

    items: list[Referral]
    after: str | None = None

    @classmethod
    def of(cls, page: views.Page[views.ReferralSummary]) -> Self:
        """Convert."""
        return cls(items=[Referral.of(item) for item in page.items], after=_cursor(page.after))


class Case(Shape):
    """A case and the latest referral that answers it."""

    case: UUID
    vehicle: UUID
    open: bool
    opened_at: datetime
    closed_at: datetime | None = None
    latest: Referral

    @classmethod
    def of(cls, value: views.CaseSummary) -> Self:
        """Convert."""
        return cls(
            case=value.case_id,
            vehicle=value.vehicle_id,
            open=value.closed_at is None,
            opened_at=value.opened_at,
            closed_at=value.closed_at,
            latest=Referral.of(value.latest),
        )


class Cases(Shape):
    """A page of cases, the last opened first; `after` asks for the next one."""

    items: list[Case]
    after: str | None = None

    @classmethod
    def of(cls, page: views.Page[views.CaseSummary]) -> Self:
        """Convert."""
        return cls(items=[Case.of(item) for item in page.items], after=_cursor(page.after))


class Record(Shape):
    """What a control unit kept about one code: a UDS snapshot or extended data, `raw` in hex."""

    kind: str
    number: int | None = None
    did: int | None = None
    raw: str = ""


class Evidence(Shape):
    """What a fault rests on; what is not known is absent.

    `raw` is the message that listed the code, in hex, and `report` the id of the report that
    brought it. `signals` were measured when that report was written; `snapshot` is what the control
    unit kept of the moment of the fault.
    """

    report: str | None = None
    raw: str | None = None
    signals: dict[str, float] = {}
    snapshot: dict[str, float] = {}
    records: list[Record] = []


class Fault(Shape):
    """One time that one fault was on; `off_at` is absent while it is."""

    episode: UUID
    case: UUID | None = None
    code: str
    ecu: str
    ordinal: int
    on: bool
    service: str
    status: str
    lamps: dict[str, str]
    occurrence_count: int | None = None
    uncertain: bool
    first_seen_at: datetime
    last_seen_at: datetime
    off_at: datetime | None = None
    odometer_km: float | None = None
    evidence: Evidence

    @classmethod
    def of(cls, value: views.FaultView) -> Self:
        """Convert."""
        return cls(
            episode=value.episode_id,
            case=value.case_id,
            code=value.code,
            ecu=value.ecu,
            ordinal=value.ordinal,
            on=value.off_at is None,
            service=value.service,
            status=value.status,
            lamps=dict(value.lamps),
            occurrence_count=value.occurrence_count,
            uncertain=value.is_uncertain,
            first_seen_at=value.first_seen_at,
            last_seen_at=value.last_seen_at,
            off_at=value.off_at,
            odometer_km=value.odometer_km,
            evidence=Evidence.model_validate(value.evidence),
        )


class Faults(Shape):
    """A page of faults of one vehicle, the last begun first; `after` asks for the next one."""

    items: list[Fault]
    after: str | None = None

    @classmethod
    def of(cls, page: views.Page[views.FaultView]) -> Self:
        """Convert."""
        return cls(items=[Fault.of(item) for item in page.items], after=_cursor(page.after))


class CaseDetail(Shape):
    """A case with its faults and every referral it had, the newest first."""

    case: UUID
    vehicle: UUID
    open: bool
    opened_at: datetime
    closed_at: datetime | None = None
    faults: list[Fault]
    referrals: list[Referral]

    @classmethod
    def of(cls, value: views.CaseView) -> Self:
        """Convert."""
        return cls(
            case=value.case_id,
            vehicle=value.vehicle_id,
            open=value.closed_at is None,
            opened_at=value.opened_at,
            closed_at=value.closed_at,
            faults=[Fault.of(fault) for fault in value.faults],
            referrals=[Referral.of(referral) for referral in value.referrals],
        )


class Vehicle(Shape):
    """A vehicle under its pseudonym."""

    vehicle: UUID
    unit: str
    registered: bool
    vehicle_class: str
    powertrain: str
    make: str | None = None
    model: str | None = None
    model_year: int | None = None
    fleet: str | None = None

    @classmethod
    def of(cls, value: views.VehicleView) -> Self:
        """Convert."""
        return cls(
            vehicle=value.vehicle_id,
            unit=value.unit,
            registered=value.is_registered,
            vehicle_class=value.vehicle_class,
            powertrain=value.powertrain,
            make=value.make,
            model=value.model,
            model_year=value.model_year,
            fleet=value.fleet,
        )


class Vehicles(Shape):
    """The vehicle of a unit, or none."""

    items: list[Vehicle]


class DeadLetterCount(Shape):
    """How many messages were set aside for one reason, and how often they came."""

    reason: str
    letters: int
    times: int
    first_at: datetime
    last_at: datetime

    @classmethod
    def of(cls, value: views.DeadLetterCount) -> Self:
        """Convert."""
        return cls(
            reason=value.reason,
            letters=value.letters,
            times=value.times,
            first_at=value.first_at,
            last_at=value.last_at,
        )


class DeadLetterCounts(Shape):
    """One item for each reason that occurred."""

    items: list[DeadLetterCount]


class LogHead(Shape):
    """How far the log goes; `root` is the Merkle tree hash in base64."""

    size: int
    root: str

    @classmethod
    def of(cls, value: log.Head) -> Self:
        """Convert."""
        return cls(size=value.size, root=_base64(value.root))


class LogProof(Shape):
    """That an entry stands in the log (RFC 9162, 2.1.3).

    `body` is the entry as canonical JSON, whose UTF-8 bytes make the leaf; hashes are base64, from
    the leaf to the root.
    """

    entry: UUID
    index: int
    head: LogHead
    body: str
    hashes: list[str]

    @classmethod
    def of(cls, value: log.InclusionProof) -> Self:
        """Convert."""
        return cls(
            entry=value.entry_id,
            index=value.index,
            head=LogHead.of(value.head),
            body=value.body.decode(),
            hashes=[_base64(item) for item in value.hashes],
        )


def _cursor(place: views.Place | None) -> str | None:
    return None if place is None else encode_cursor(place)


def _base64(data: bytes) -> str:
    return b64encode(data).decode()

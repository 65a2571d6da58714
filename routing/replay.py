"""A decision's inputs as a file, and the decision made again from it.

A recording holds everything that a decision is made of: the case, the time, the policy, and of the
directory the sites that decided it. What comes with the program is named by digest or version
instead (schemes, the reading of opening hours, the words), because it changes with the program:
if one differs on the machine that replays, the difference is named and never passed over.

The bytes depend on no hash seed, locale, time zone or order of the directory.
"""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Literal

import msgspec

from dtc_db.errors import MalformedRuleError
from dtc_db.need import Need, need_from_json, need_to_json
from dtc_db.urgency import Urgency
from dtc_db.vehicle import VehicleKind
from routing.canonical import canonical
from routing.decision import Case, CaseFault, CaseFinding, Decision
from routing.directory.snapshot import Directory
from routing.errors import BadRecordingError, DataFileError
from routing.matching.match import TIME_MAX, TIME_MIN, decide
from routing.matching.policy import Policy, check_policy
from routing.model import Person, Position, Site
from routing.principal import Principal
from routing.referral import match_document
from routing.travel.model import Measured

RECORDING_BYTES_MAX = 64_000_000  # of one decision; a longer one is refused


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the recording; an unknown key in it is a mistake."""


class RecordedCase(_Record, frozen=True, kw_only=True):
    """`routing.decision.Case`, with its need in the form that referrals have."""

    case_id: str
    vehicle: VehicleKind
    is_registered: bool
    position: Position | None
    faults: tuple[CaseFault, ...]
    need: msgspec.Raw
    urgency: Urgency
    driver_action: str
    fleet_action: str
    principal: Principal | None = None
    warranty_until: date | None = None
    lang: str = "en"
    later: tuple[CaseFault, ...] = ()
    set_aside: tuple[CaseFault, ...] = ()
    findings: tuple[CaseFinding, ...] = ()
    knowledge: tuple[tuple[str, str], ...] = ()
    soc_pct: float | None = None


class RecordedDirectory(_Record, frozen=True, kw_only=True):
    """Sites of a directory.

    Attributes:
        digest: Of the whole directory and the schemes.
        is_extract: Whether ``sites`` are only those that decided; the others would change nothing.
    """

    version: str
    digest: str
    schemes: str
    is_extract: bool
    sites: tuple[Site, ...]


class Recording(_Record, frozen=True, kw_only=True):
    """What one decision was made of.

    Attributes:
        result: SHA-256 of the document that was decided, hexadecimal.
        inputs: Of that document, so that a difference can be named.
        measured: Times by road, so that no engine is needed to decide again.
        seed: Of the lots that were drawn.
    """

    recording: Literal["rightbay match 1"]
    decided_at: datetime
    case: RecordedCase
    policy: Policy
    directory: RecordedDirectory
    result: str
    inputs: dict[str, str]
    measured: Measured | None = None
    seed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A decision made again.

    Attributes:
        document: Canonical JSON.
        is_same: Whether it is the recorded one, byte for byte.
        differences: What is another on this machine, for people; empty if nothing is known to be.
    """

    document: bytes
    is_same: bool
    differences: tuple[str, ...]


def record(decision: Decision, directory: Directory, policy: Policy) -> bytes:
    """Write down what a decision was made of: one line of JSON.

    The sites that decided are enough as a rule; that they are is tried, and if the list would be
    another without the rest, the whole directory is recorded.

    Args:
        decision: As `decide` made it from these two.
        directory: The snapshot that it was made from.
        policy: The numbers that it was made by.
    """
    document = match_document(decision)
    whole = Recording(
        recording="rightbay match 1",
        decided_at=decision.decided_at,
        case=_recorded_case(decision.case),
        policy=policy,
        directory=RecordedDirectory(
            version=directory.version,
            digest=directory.digest,
            schemes=directory.catalogue.digest,
            is_extract=False,
            sites=tuple(directory.sites),
        ),
        result=hashlib.sha256(canonical(document)).hexdigest(),
        inputs=document["inputs"],
        measured=decision.measured,
        seed=decision.seed,
    )
    extract = msgspec.structs.replace(
        whole,
        directory=msgspec.structs.replace(
            whole.directory, is_extract=True, sites=_deciding(decision)
        ),
    )
    recording = extract if replay(extract).is_same else whole
    return msgspec.json.encode(recording, order="deterministic")


def parse_recording(content: bytes) -> Recording:
    """Read one recording.

    Raises:
        BadRecordingError: If it is none, or holds impossible values.
    """
    if len(content) > RECORDING_BYTES_MAX:
        raise BadRecordingError(f"longer than {RECORDING_BYTES_MAX} bytes")
    try:
        recording = msgspec.json.decode(content, type=Recording)
        _need(recording.case)
        check_policy(recording.policy)
        Directory(recording.directory.sites, recording.directory.version)
    except (
        msgspec.MsgspecError,
        ValueError,
        TypeError,
        RecursionError,
        DataFileError,
        MalformedRuleError,
    ) as error:
        raise BadRecordingError(str(error)) from error
    at = recording.decided_at
    if at.utcoffset() is None or not TIME_MIN <= at <= TIME_MAX:
        raise BadRecordingError(f"decided_at: expected a time in UTC, got {at.isoformat()}")
    return recording


def replay(recording: Recording) -> Replayed:
    """Decide again, on this machine, from what was recorded."""
    recorded = recording.directory
    directory = Directory(recorded.sites, recorded.version)
    if recorded.is_extract or directory.catalogue.digest != recorded.schemes:
        directory = Directory(recorded.sites, recorded.version, digest=recorded.digest)
    decision = decide(
        _case(recording.case),
        directory,
        recording.policy,
        decided_at=recording.decided_at,
        measured=recording.measured,
        seed=recording.seed,
    )
    document = match_document(decision)
    content = canonical(document)
    return Replayed(
        document=content,
        is_same=hashlib.sha256(content).hexdigest() == recording.result,
        differences=tuple(_differences(recording, directory, document["inputs"])),
    )


def reconsider(
    recording: Recording, *, policy: Policy | None = None, gains: Mapping[str, Person] | None = None
) -> Decision:
    """What would have been decided under other numbers, or if sites had somebody more.

    Only among the sites that were recorded: those that decided, with everyone near who did not.

    Args:
        recording: Of the decision that was made.
        policy: Other numbers; the recorded ones if None.
        gains: A further person by site, numbered anew there.
    """
    recorded, gains = recording.directory, gains or {}
    sites = [
        _with(site, gains[site.site_id]) if site.site_id in gains else site
        for site in recorded.sites
    ]
    return decide(
        _case(recording.case),
        Directory(sites, f"{recorded.version}, reconsidered"),
        policy or recording.policy,
        decided_at=recording.decided_at,
        measured=recording.measured,
        seed=recording.seed,
    )


def _with(site: Site, person: Person) -> Site:
    number = max((one.number for one in site.people), default=0) + 1
    return dataclasses.replace(
        site, people=(*site.people, dataclasses.replace(person, number=number))
    )


def _differences(
    recording: Recording, directory: Directory, inputs: dict[str, str]
) -> Iterator[str]:
    if directory.catalogue.digest != recording.directory.schemes:
        yield "the schemes of competence are others here"
    for name, recorded in recording.inputs.items():
        here = inputs.get(name, "nothing")
        if here != recorded:
            yield f"{name} was {recorded} and is {here} here"


def _deciding(decision: Decision) -> tuple[Site, ...]:
    """Every site that a decision names."""
    sites = [offer.site for offer in (*decision.offers, *decision.free_choice)]
    sites += [exclusion.site for exclusion in decision.excluded]
    sites += [] if decision.beyond is None else [decision.beyond.site]
    sites += [] if decision.recovery is None else [decision.recovery]
    by_id = {site.site_id: site for site in sites}
    return tuple(by_id[site_id] for site_id in sorted(by_id))


def _recorded_case(case: Case) -> RecordedCase:
    same = {name: getattr(case, name) for name in _SAME}
    return RecordedCase(**same, need=msgspec.Raw(canonical(need_to_json(case.need))))


def _case(recorded: RecordedCase) -> Case:
    same = {name: getattr(recorded, name) for name in _SAME}
    return Case(**same, need=_need(recorded))


def _need(recorded: RecordedCase) -> Need:
    return need_from_json(msgspec.json.decode(recorded.need))


_SAME = tuple(field.name for field in fields(Case) if field.name != "need")

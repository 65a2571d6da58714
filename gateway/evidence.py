"""What a fault rests on: the bytes that told it, and what the vehicle measured then.

Two kinds of values are kept apart: `Evidence.signals` were true when the report that began the
episode was written, `Evidence.snapshot` is what the control unit kept of the moment of the fault.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dtc_db.codes import Code
from gateway.model import DataRecord, Observation, Report, ReportedCode
from gateway.signals.quantities import QUANTITIES

# What is longer is kept up to here; the whole message stands in the report that is named.
RAW_LENGTH_MAX = 512
SIGNALS_MAX = 64
RECORDS_MAX = 64
FREEZE_FRAME = "02"  # a service of OBD
# Its parameter that tells whose frame it is; the number of the frame follows.
_CODE_PID, _PID_AT, _NUMBER_AT = 0x02, 1, 2

Values = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Of one episode; what is empty is not known, or no news.

    Attributes:
        report: Id of the report that began the episode; its unit has each id once.
        raw: The message that listed the code, up to `RAW_LENGTH_MAX`.
        signals: Measured values by name with the unit last, as near to the onset as there are any.
        snapshot: The same, of the control unit's freeze frame for this code (OBD service 02).
        records: Snapshots and extended data (UDS) as bytes.
    """

    report: str = ""
    raw: bytes = b""
    signals: Values = ()
    snapshot: Values = ()
    records: tuple[DataRecord, ...] = ()

    def with_details(self, snapshot: Values, records: tuple[DataRecord, ...]) -> "Evidence":
        """Take later details in the place of earlier ones."""
        return replace(self, snapshot=snapshot or self.snapshot, records=records or self.records)


NOTHING_NEW = Evidence()
FreezeFrames = Mapping[tuple[str, Code], Values]


def first_evidence(report: Report, observation: Observation) -> Evidence:
    """Say what a new episode rests on, before its details."""
    return Evidence(
        report=report.event_id,
        raw=observation.raw[:RAW_LENGTH_MAX],
        signals=_signals_near(report),
    )


def add_details(
    evidence: Evidence, frames: FreezeFrames, observation: Observation, reported: ReportedCode
) -> Evidence:
    """Add what the control unit kept about a code, if this report brings any of it."""
    snapshot = frames.get((observation.ecu, reported.code), ())
    if not snapshot and not reported.records:
        return evidence
    return evidence.with_details(snapshot, reported.records[:RECORDS_MAX])


def freeze_frames(observations: Iterable[Observation]) -> FreezeFrames:
    """Find the freeze frames of one report: whose they are, and what they hold."""
    told = [one for one in observations if one.service == FREEZE_FRAME and len(one.raw) > 2]
    if not told:
        return {}
    codes: dict[tuple[str, int], Code] = {}
    values: dict[tuple[str, int], dict[str, float]] = {}
    for one in told:
        key = one.ecu, one.raw[_NUMBER_AT]
        if one.raw[_PID_AT] == _CODE_PID and one.codes:
            codes[key] = one.codes[0].code
        values.setdefault(key, {}).update(one.signals)
    return {(key[0], code): tuple(values[key].items()) for key, code in codes.items()}


def charge_pct(report: Report) -> float | None:
    """What the traction battery holds, by the unit's word or by what was read on the bus."""
    return report.soc_pct if report.soc_pct is not None else report.signals.get("soc_pct")


def speed_kmh(report: Report) -> float | None:
    """How fast the vehicle was, by the unit's word or by what was read on the bus."""
    return report.speed_kmh if report.speed_kmh is not None else report.signals.get("speed_kmh")


def _signals_near(report: Report) -> Values:
    near = dict(report.signals)
    for name in ("speed_kmh", "odometer_km", "soc_pct"):
        value = getattr(report, name)
        if value is not None:
            near[name] = value
    if len(near) <= SIGNALS_MAX:
        return tuple(near.items())
    ours_first = sorted(near.items(), key=lambda item: item[0] not in QUANTITIES)
    return tuple(ours_first[:SIGNALS_MAX])

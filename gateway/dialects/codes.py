"""Reads codes that a unit decoded by itself: texts, or objects with what it knows of each."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from dtc_db.codes import parse_code
from dtc_db.errors import MalformedCodeError
from gateway.dialects.fields import FieldReader, is_name
from gateway.model import Observation, Outcome, Reason, ReportedCode, Status

ECU_LENGTH_MAX = 32
PROTOCOL = SERVICE = "codes"

# Units write the same few codes over and over; what is none is not kept.
_parse_code = lru_cache(maxsize=8_192)(parse_code)


def observe_codes(
    fields: FieldReader, items: Sequence[object], *, is_complete: bool
) -> tuple[Observation, ...]:
    """Make observations of a list of codes, one for each control unit that is named.

    Args:
        fields: Takes what could not be read.
        items: Texts like ``P0128``, or objects with ``code`` and perhaps ``ecu``, ``status`` (one
            of `Status`) and ``oc`` (occurrence count).
        is_complete: Whether the unit lists all it knows, so that what is missing is gone. Most
            devices send only what is new.

    Returns:
        "None found" for an empty list, if the list would be complete; nothing for a list of which
        no entry could be read.
    """
    if not items and is_complete:
        return (_observation("", (), is_complete=True),)
    by_ecu: dict[str, dict[ReportedCode, None]] = {}
    for item in items:
        entry = _read_entry(fields, item)
        if entry is None:  # it may be any code, so none can be said to be missing
            is_complete = False
        else:
            ecu, code = entry
            by_ecu.setdefault(ecu, {})[code] = None
    return tuple(
        _observation(ecu, tuple(codes), is_complete=is_complete) for ecu, codes in by_ecu.items()
    )


def _observation(ecu: str, codes: tuple[ReportedCode, ...], *, is_complete: bool) -> Observation:
    return Observation(
        ecu=ecu,
        protocol=PROTOCOL,
        service=SERVICE,
        outcome=Outcome.CODES if codes else Outcome.NONE_FOUND,
        codes=codes,
        is_complete=is_complete,
    )


def _read_entry(fields: FieldReader, item: object) -> tuple[str, ReportedCode] | None:
    entry: Mapping[str, object] = {"code": item} if isinstance(item, str) else _object(item)
    text, ecu = entry.get("code"), entry.get("ecu")
    if not isinstance(text, str):
        fields.reject(Reason.BAD_CODE, 'expected "P0128" or {"code": "P0128"}', item)
        return None
    if ecu is not None and not is_name(ecu, length_max=ECU_LENGTH_MAX):
        fields.reject(Reason.BAD_FIELD, "ecu: expected a short name", item)
        ecu = None
    try:
        code = _parse_code(text)
    except MalformedCodeError as error:
        fields.reject(Reason.BAD_CODE, str(error), item)
        return None
    return str(ecu or "").upper(), ReportedCode(
        code=code,
        status=_read_status(fields, entry.get("status")),
        occurrence_count=fields.integer("oc", entry.get("oc"), low=0, high=126),
    )


def _read_status(fields: FieldReader, value: object) -> Status:
    """Read how sure the unit is; a word that nobody knows does not make the fault less there."""
    if value is None:
        return Status.STORED
    try:
        return Status(value)  # type: ignore[arg-type]  # whatever it is, Status says if it is one
    except ValueError:
        text = f"status: expected one of {', '.join(Status)}; taken as {Status.STORED}"
        fields.reject(Reason.BAD_FIELD, text, value)
        return Status.STORED


def _object(item: object) -> Mapping[str, object]:
    return item if isinstance(item, Mapping) else {}

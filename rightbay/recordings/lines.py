"""The JSON objects that `rightbay decode` prints; their keys are stable (docs/decode.md)."""

from dtc_db.codes import J1939Dtc, J2012Dtc, RawDtc
from gateway.model import DataRecord, Observation, Outcome, Rejection, ReportedCode
from gateway.protocols import obd
from gateway.protocols.listener import Message

Line = dict[str, object]


def shape_heard(heard: Message | Rejection, found: Observation | Rejection | None) -> Line:
    """Shape what was heard, with what was understood of it."""
    if isinstance(heard, Rejection):
        is_j1939 = (heard.ecu or "").startswith("SA ")
        return shape_rejection(heard) | {"protocol": "j1939" if is_j1939 else "isotp"}
    if isinstance(found, Observation):
        line = shape_observation(found)
    elif isinstance(found, Rejection):
        line = shape_rejection(found)
    else:
        line = _line(protocol=None, service=None, raw=heard.data, ecu=heard.ecu)
    if heard.pgn is not None:
        line |= {"protocol": "j1939", "pgn": f"{heard.pgn:04X}"}
        line |= {"source": heard.source, "destination": heard.destination}
    elif found is None:
        line |= {"protocol": "isotp"}
    return line


def shape_rejection(rejection: Rejection) -> Line:
    """Shape bytes that were set aside, with the service they look like."""
    raw = rejection.raw
    protocol, service = None, None
    if raw[:1] == b"\x59":
        protocol, service = "uds", f"19 {raw[1]:02X}" if len(raw) > 1 else "19"
    elif raw[:1] and raw[0] in obd.LISTS:
        protocol, service = "obd", obd.LISTS[raw[0]][0]
    return _line(
        protocol=protocol,
        service=service,
        raw=raw,
        ecu=rejection.ecu,
        rejected=rejection.reason.value,
    ) | {"text": rejection.text}


def shape_observation(observation: Observation) -> Line:
    """Shape what a control unit said."""
    # A refusal or "busy" must not look like an empty list to a reader of codes alone.
    is_answer = observation.outcome in (Outcome.CODES, Outcome.NONE_FOUND, Outcome.DATA)
    line = _line(
        protocol=observation.protocol,
        service=observation.service,
        raw=observation.raw,
        ecu=observation.ecu,
        rejected=None if is_answer else observation.outcome.value,
    )
    line["codes"] = [_shape_code(one, observation.protocol) for one in observation.codes]
    line["outcome"] = observation.outcome.value
    known: Line = {
        "mil": observation.mil,
        "count": observation.count,
        "availability": _hex_byte(observation.availability),
        "lamps": dict(observation.lamps) or None,
        "signals": dict(observation.signals) or None,
        "identity": _texts(observation.identity) or None,
    }
    return line | {name: value for name, value in known.items() if value is not None}


def _texts(pairs: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    """Gather texts by name: a control unit may have several calibrations."""
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        texts.setdefault(name, []).append(text)
    return texts


def _line(
    *,
    protocol: str | None,
    service: str | None,
    raw: bytes,
    ecu: str | None,
    rejected: str | None = None,
) -> Line:
    line: Line = {
        "protocol": protocol,
        "service": service,
        "payload": raw.hex().upper(),
        "codes": [],
        "rejected": rejected,
    }
    return line | {"ecu": ecu} if ecu else line


def _shape_code(reported: ReportedCode, protocol: str) -> Line:
    code = reported.code
    shape: Line = {"code": str(code)}
    if protocol in ("uds", "wwh"):
        shape["dtc"] = _three_bytes(reported)
    if isinstance(code, J1939Dtc):
        shape |= {"spn": code.spn, "fmi": code.fmi}
    if reported.conversion is not None:
        shape |= {"oc": reported.occurrence_count, "cm": reported.conversion}
    known: Line = {
        "status": _hex_byte(reported.status_byte),
        "severity": _hex_byte(reported.severity),
        "functional_unit": _hex_byte(reported.functional_unit),
        "fault_counter": reported.fault_counter,
        "uncertain": reported.is_uncertain or None,
        "lamps": dict(reported.lamps) or None,
        "records": [_shape_record(one) for one in reported.records] or None,
    }
    return shape | {name: value for name, value in known.items() if value is not None}


def _shape_record(record: DataRecord) -> Line:
    shape: Line = {"kind": record.kind, "number": record.number}
    if record.did is not None:
        shape["did"] = f"{record.did:04X}"
    return shape | {"raw": record.raw.hex().upper()}


def _three_bytes(reported: ReportedCode) -> str:
    """Write the three bytes of a UDS code as they were on the wire."""
    match reported.code:
        case J2012Dtc(number, failure_type):
            return f"{number:04X}{failure_type or 0:02X}"
        case RawDtc(number):
            return f"{number:06X}"
        case J1939Dtc(spn, fmi):
            return bytes((spn & 0xFF, spn >> 8 & 0xFF, spn >> 16 << 5 | fmi)).hex().upper()


def _hex_byte(value: int | None) -> str | None:
    return None if value is None else f"{value:02X}"

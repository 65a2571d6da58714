"""Reads negative responses, which OBD and UDS share: 7F, the service asked for, a reason."""

from gateway.model import Observation, Outcome

NEGATIVE = 0x7F
BUSY_REPEAT_REQUEST = 0x21
RESPONSE_PENDING = 0x78

OBD_SERVICES = frozenset({0x01, 0x02, 0x03, 0x07, 0x09, 0x0A})
UDS_READ_DTC = 0x19


def decode_negative(payload: bytes, *, ecu: str) -> Observation | None:
    """Read a negative response. Never raises.

    "Busy" and "the answer takes longer" ask for patience; everything else is a refusal. Neither
    says anything about faults.

    Returns:
        None if it is none, or answers a service that does not read codes.
    """
    if len(payload) < 3 or payload[0] != NEGATIVE:
        return None
    service, reason = payload[1], payload[2]
    if service not in OBD_SERVICES and service != UDS_READ_DTC:
        return None
    is_busy = reason in (BUSY_REPEAT_REQUEST, RESPONSE_PENDING)
    return Observation(
        ecu=ecu,
        protocol="uds" if service == UDS_READ_DTC else "obd",
        service=f"{service:02X}",
        outcome=Outcome.BUSY if is_busy else Outcome.REFUSED,
        raw=payload,
    )

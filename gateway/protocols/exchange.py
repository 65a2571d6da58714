"""Follows who was asked what, so that silence, patience and an empty answer stay apart.

"Nobody answered", "busy to the end", "refused" and "none found" are four results. The first two
show only when the frames end.
"""

from gateway.model import Observation, Outcome, Rejection
from gateway.protocols import j1939
from gateway.protocols.j1939 import ecu_name
from gateway.protocols.j1939_tp import BROADCAST
from gateway.protocols.listener import Message
from gateway.protocols.negative import UDS_READ_DTC

# Requests that one report may leave open, and control units that may be busy: of further ones the
# request is not followed, and "busy" stands even if the answer came. Every answer looks at all.
OPEN_MAX = 64
ANYBODY = ""
_LISTING = frozenset({0x03, 0x07, 0x0A})
# Requests for lists by status: the mask follows the subfunction.
_MASKED = frozenset({"19 02", "19 0F", "19 13", "19 17"})
_MASK_AT = 2
_LISTS = frozenset({Outcome.CODES, Outcome.NONE_FOUND})


class Exchange:
    """Requests and answers of one report."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], str] = {}
        self._masks: dict[tuple[str, str], int] = {}
        self._busy: dict[tuple[str, str], Observation] = {}

    def ask(self, message: Message) -> None:
        """Take note of a request; one that does not ask for codes is passed over."""
        asked = _read_j1939(message) if message.pgn is not None else _read_isotp(message)
        if asked is not None and len(self._open) < OPEN_MAX:
            ecu, protocol, service = asked
            self._open[ecu, service] = protocol
            self._note_mask(ecu, service, message.data)

    def hear(self, heard: Observation | Rejection) -> Observation | Rejection | None:
        """Take note of an answer, and hold "busy" back: the answer itself may follow."""
        if self._open:
            self._open = {
                (ecu, service): protocol
                for (ecu, service), protocol in self._open.items()
                if ecu not in (heard.ecu, ANYBODY) or not _answers(heard, service)
            }
        if isinstance(heard, Rejection):
            return heard
        if heard.outcome is Outcome.BUSY:
            if len(self._busy) >= OPEN_MAX:
                return heard
            self._busy[heard.ecu, heard.service] = heard
            return None
        if self._busy:
            self._busy = {
                (ecu, service): busy
                for (ecu, service), busy in self._busy.items()
                if ecu != heard.ecu or not _is_of(heard.service, service)
            }
        return self._with_mask(heard) if self._masks else heard

    def finish(self) -> tuple[Observation, ...]:
        """Say who never answered and who was busy to the end."""
        silent = tuple(
            Observation(ecu=ecu, protocol=protocol, service=service, outcome=Outcome.NO_ANSWER)
            for (ecu, service), protocol in self._open.items()
        )
        return (*silent, *self._busy.values())

    def _note_mask(self, ecu: str, service: str, data: bytes) -> None:
        """Keep the mask of a request, of each service the latest that speaks to a control unit."""
        if ecu == ANYBODY:
            self._masks = {key: mask for key, mask in self._masks.items() if key[1] != service}
        self._masks.pop((ecu, service), None)
        if service in _MASKED and len(data) > _MASK_AT and len(self._masks) < OPEN_MAX:
            self._masks[ecu, service] = data[_MASK_AT]

    def _with_mask(self, heard: Observation) -> Observation:
        mask = self._masks.get((heard.ecu, heard.service))
        if mask is None:
            mask = self._masks.get((ANYBODY, heard.service))
        return heard._replace(mask=mask) if heard.outcome in _LISTS else heard


def _answers(heard: Observation | Rejection, service: str) -> bool:
    """Whether this ends the wait; what arrived damaged is an answer too."""
    return isinstance(heard, Rejection) or _is_of(service, heard.service)


def _is_of(service: str, other: str) -> bool:
    """Whether both are the same service; a negative answer to UDS 19 names no subfunction."""
    return service == other or service.startswith(f"{other} ")


def _read_isotp(message: Message) -> tuple[str, str, str] | None:
    data = message.data
    if len(data) == 1 and data[0] in _LISTING:
        return _answerer(message.can_id), "obd", f"{data[0]:02X}"
    if len(data) > 1 and data[0] == UDS_READ_DTC:
        # With the top bit set the control unit is told to be silent.
        return None if data[1] & 0x80 else (_answerer(message.can_id), "uds", f"19 {data[1]:02X}")
    return None


def _read_j1939(message: Message) -> tuple[str, str, str] | None:
    service = j1939.SERVICES.get(int.from_bytes(message.data[:3], "little"))
    if service is None or service in j1939.CLEARINGS.values():
        return None
    is_global = message.destination == BROADCAST
    return (ANYBODY if is_global else ecu_name(message.destination)), "j1939", service


def _answerer(request_id: str) -> str:
    """Name the control unit that a request id speaks to: 7E0 is answered by 7E8."""
    if len(request_id) == 3:
        number = int(request_id, 16)
        return f"{number + 8:03X}" if 0x7E0 <= number <= 0x7E7 else ANYBODY
    if request_id[2:4] == "DA":
        return f"{request_id[:4]}{request_id[6:]}{request_id[4:6]}"
    return ANYBODY

"""A control unit that answers emission and UDS requests for its trouble codes.

Bytes in, bytes out: the transport and the bus stand elsewhere. It reads and never clears: what a
tester could change is refused.
"""

from collections.abc import Iterable

from dtc_db.codes import J1939Dtc, J2012Dtc
from simulators.model import EcuKind, Fault, Lamp, Stage

FAULTS_MAX = 200
"""Codes a control unit holds; more are refused."""

AVAILABILITY_MASK = 0xFF
FORMAT_J2012 = 0x00
"""SAE J2012-DA DTC format 00 (as py-uds lists it)."""

NOT_SUPPORTED = 0x11
SUBFUNCTION_NOT_SUPPORTED = 0x12
WRONG_LENGTH = 0x13

# Bits 0 testFailed, 1 failedThisCycle, 2 pending, 3 confirmed, 4 notCompletedSinceClear,
# 5 failedSinceClear, 6 notCompletedThisCycle, 7 warningIndicator (ISO 14229-1, by py-uds).
_STATUS = {
    Stage.DORMANT: 0x50,
    Stage.PENDING: 0x27,
    Stage.CONFIRMED: 0x2F,
    Stage.PERMANENT: 0x2F,
}
_LISTED_BY = {
    0x03: frozenset({Stage.CONFIRMED, Stage.PERMANENT}),
    0x07: frozenset({Stage.PENDING}),
    0x0A: frozenset({Stage.PERMANENT}),
}


class ControlUnit:
    """One control unit: its faults, and what it says when asked."""

    def __init__(self, kind: EcuKind, *, vin: str) -> None:
        self.kind = kind
        self._vin = vin
        self._faults: dict[J2012Dtc | J1939Dtc, Fault] = {
            fault.code: fault for fault in kind.dormant
        }

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What has failed, in the order of failing."""
        return tuple(fault for fault in self._faults.values() if fault.stage is not Stage.DORMANT)

    def set_fault(self, fault: Fault) -> None:
        """Let a fault be there; one with the same code is replaced.

        Raises:
            ValueError: If the memory is full.
        """
        if fault.code not in self._faults and len(self._faults) >= FAULTS_MAX:
            raise ValueError(f"{self.kind.name} holds {FAULTS_MAX} codes and no more")
        self._faults[fault.code] = fault

    def remove_fault(self, fault: Fault) -> None:
        """Let a fault be gone; nothing happens if it was not there."""
        self._faults.pop(fault.code, None)

    def answer(self, request: bytes, *, is_functional: bool) -> bytes | None:
        """Answer one request.

        Args:
            request: The reassembled payload, service identifier first; may be anything.
            is_functional: It was addressed to everyone: who has nothing to say stays silent.

        Returns:
            The payload of the answer; None for silence.
        """
        if not request:
            return None
        service = request[0]
        if self.kind.is_obd and service in (0x01, 0x03, 0x07, 0x09, 0x0A):
            return self._answer_obd(request)
        if self.kind.is_uds and service == 0x19:
            answer = self._answer_19(request)
        else:
            answer = bytes((0x7F, service, NOT_SUPPORTED))
        # ISO 14229-1: to a functional request, "I do not have that" is not sent.
        return None if is_functional and answer is not None and answer[0] == 0x7F else answer

    def _answer_obd(self, request: bytes) -> bytes | None:
        service = request[0]
        if stages := _LISTED_BY.get(service):
            # ISO 15765-4: service + 0x40, how many, then two bytes each.
            numbers = self._numbers(stages)
            pairs = b"".join(number.to_bytes(2) for number in numbers)
            return bytes((service + 0x40, len(numbers))) + pairs
        match request[:2]:
            case b"\x01\x00":
                return bytes.fromhex("41 00 80 00 00 00")
            case b"\x01\x01":
                return self._monitor_status()
            case b"\x09\x00":
                return bytes.fromhex("49 00 40 00 00 00")
            case b"\x09\x02":
                return b"\x49\x02\x01" + self._vin.encode("ascii")
        return None  # SAE J1979: an unsupported parameter is not answered

    def _monitor_status(self) -> bytes:
        """Byte A: lamp in bit 7, confirmed codes in bits 6-0; the monitors are all complete."""
        confirmed = self._numbers(_LISTED_BY[0x03])
        is_lit = any(
            fault.lamp is Lamp.MIL and fault.stage in _LISTED_BY[0x03] for fault in self.faults
        )
        return bytes((0x41, 0x01, is_lit << 7 | min(len(confirmed), 0x7F), 0x07, 0x65, 0x00))

    def _numbers(self, stages: Iterable[Stage]) -> list[int]:
        """Two-byte codes without repetition: several failure types share one."""
        return list(
            dict.fromkeys(
                fault.code.number
                for fault in self.faults
                if isinstance(fault.code, J2012Dtc) and fault.stage in stages
            )
        )

    def _answer_19(self, request: bytes) -> bytes | None:
        if len(request) < 2:
            return bytes((0x7F, 0x19, WRONG_LENGTH))
        subfunction, is_suppressed = request[1] & 0x7F, bool(request[1] & 0x80)
        if subfunction not in (0x01, 0x02):
            return bytes((0x7F, 0x19, SUBFUNCTION_NOT_SUPPORTED))
        if len(request) != 3:
            return bytes((0x7F, 0x19, WRONG_LENGTH))
        if is_suppressed:
            return None
        records = self._records(request[2])
        head = bytes((0x59, subfunction, AVAILABILITY_MASK))
        if subfunction == 0x01:
            return head + bytes((FORMAT_J2012,)) + len(records).to_bytes(2)
        return head + b"".join(records)

    def _records(self, mask: int) -> list[bytes]:
        """Code and status, four bytes, of every code whose status shares a bit with the mask."""
        records = []
        for fault in self._faults.values():
            status = _STATUS[fault.stage]
            if fault.lamp is not Lamp.NONE and status & 0x08:
                status |= 0x80
            if status & mask & AVAILABILITY_MASK and isinstance(fault.code, J2012Dtc):
                three = fault.code.number << 8 | (fault.code.failure_type or 0)
                records.append(three.to_bytes(3) + bytes((status & AVAILABILITY_MASK,)))
        return records

"""Reads the frames of one report: what was observed, and what was set aside."""

from collections.abc import Iterable

from gateway.model import (
    Bus,
    Frame,
    Observation,
    Outcome,
    Reason,
    Rejection,
    ReportedCode,
)
from gateway.protocols import messages, obd
from gateway.protocols.exchange import Exchange
from gateway.protocols.listener import Heard, Listener, Role
from gateway.protocols.messages import BusSettings

# A truck with every control unit faulty stays far below; past it one rejection says so.
OBSERVATIONS_MAX = 256
REJECTIONS_MAX = 256
# Four bytes each; no control unit has so many calibrations.
PIECES_MAX = 64

_LISTS = {Outcome.CODES, Outcome.NONE_FOUND}

Decoded = tuple[tuple[Observation, ...], tuple[Rejection, ...]]


def decode_frames(
    frames: Iterable[Frame],
    *,
    bus: Bus,
    settings: BusSettings = messages.DEFAULTS,
    listener: Listener | None = None,
) -> Decoded:
    """Read frames that stand for themselves: no message continues in another report. Never raises.

    Args:
        frames: In the order in which they were on the bus.
        bus: What they were read from.
        settings: What is known of the vehicle.
        listener: For devices that send frames one by one: keeps what is unfinished, instead of
            setting it aside at the end.

    Returns:
        Observations in the order of the bus, without one that only repeats the latest of the same
        control unit and service; values of now (OBD 01) with their last state only; the codes of
        several K-line messages together, because together they are one answer. And rejections, each
        once.
    """
    reading = _Reading(bus, settings)
    used = listener or Listener(bus, addressing=settings.addressing, answer_ids=settings.answer_ids)
    reading.take(used.hear(frames))
    if listener is None:
        reading.take(used.finish())
    return reading.result()


class _Reading:
    """One report while its messages are read."""

    def __init__(self, bus: Bus, settings: BusSettings) -> None:
        self._bus = bus
        self._settings = settings
        self._exchange = Exchange()
        self._findings = _Findings(bus)

    def take(self, heard: Iterable[Heard]) -> None:
        for one in heard:
            if isinstance(one, Rejection):
                self._findings.add(self._exchange.hear(one))
                continue
            if one.role is Role.REQUEST:
                self._exchange.ask(one)
            found = messages.decode(one, bus=self._bus, settings=self._settings)
            if found is not None:
                self._findings.add(self._exchange.hear(found))

    def result(self) -> Decoded:
        for observation in self._exchange.finish():
            self._findings.add(observation)
        return self._findings.result()


class _Findings:
    """Gathers what one report says, each thing once."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._observations: list[Observation] = []
        # Index of the latest observation of the same kind.
        self._latest: dict[tuple[str, str, bytes], int] = {}
        # Of K-line answers that come in pieces.
        self._pieces: dict[tuple[str, str, bytes], list[Observation]] = {}
        # Codes and messages of K-line lists by the index of their first one. They are joined at the
        # end: to join each with all before it takes the square of the time.
        self._lists: dict[int, tuple[dict[ReportedCode, None], list[bytes]]] = {}
        self._rejections: dict[Rejection, None] = {}
        self._is_full = False

    def add(self, found: Observation | Rejection | None) -> None:
        if isinstance(found, Rejection):
            if len(self._rejections) < REJECTIONS_MAX:
                self._rejections[found] = None
            else:
                self._is_full = True
        elif found is not None:
            self._add_observation(found)

    def result(self) -> Decoded:
        rejections = tuple(self._rejections)
        if self._is_full:
            text = (
                f"more than {OBSERVATIONS_MAX} observations or {REJECTIONS_MAX} rejections;"
                " the rest of the report was not read"
            )
            rejections += (Rejection(reason=Reason.LIMIT, text=text, raw=b""),)
        for at, (codes, raws) in self._lists.items():
            if codes:
                self._observations[at] = self._observations[at]._replace(
                    codes=tuple(codes), outcome=Outcome.CODES, raw=b"".join(raws)
                )
        return tuple(self._observations), rejections

    def _add_observation(self, new: Observation) -> None:
        is_data = new.outcome is Outcome.DATA
        # Two parameters of service 01 are two things; two lists of one service are one thing.
        key = (new.ecu, new.service, new.raw[:2] if is_data else b"")
        if self._bus is Bus.KLINE and new.service == "09" and is_data:
            pieces = self._pieces.setdefault(key, [])
            if len(pieces) >= PIECES_MAX:
                return
            pieces.append(new)
            new = obd.join_pieces(pieces)
        at = self._latest.get(key)
        if at is not None:
            before = self._observations[at]
            if before == new:
                return
            if is_data:
                self._observations[at] = new
                return
            if self._bus is Bus.KLINE and {before.outcome, new.outcome} <= _LISTS:
                self._join(at, before, new)
                return
        if len(self._observations) >= OBSERVATIONS_MAX:
            self._is_full = True
            return
        self._latest[key] = len(self._observations)
        self._observations.append(new)

    def _join(self, at: int, before: Observation, new: Observation) -> None:
        """Take one more message of a K-line list; a repeated one adds nothing."""
        if at not in self._lists:
            self._lists[at] = dict.fromkeys(before.codes), [before.raw]
        codes, raws = self._lists[at]
        count = len(codes)
        codes.update(dict.fromkeys(new.codes))
        if len(codes) > count:
            raws.append(new.raw)

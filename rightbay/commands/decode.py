"""`rightbay decode`: what recordings or single messages say, one JSON object a line."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.dialects.frames import parse_id
from gateway.model import Bus, Frame, Observation, Reason, Rejection
from gateway.protocols import j1939, messages, obd, uds
from gateway.protocols.isotp import Addressing
from gateway.protocols.listener import Listener, Message, format_id
from gateway.protocols.messages import BusSettings
from rightbay.errors import RecordingError
from rightbay.recordings.lines import Line, shape_heard, shape_observation, shape_rejection
from rightbay.recordings.read import STDIN, read_recording

# More channels than any logger has; past it the file is no recording of buses.
CHANNELS_MAX = 256


class Protocol(StrEnum):
    """What one reassembled message is read as."""

    OBD = "obd"
    UDS = "uds"
    WWH = "wwh"
    J1939 = "j1939"
    KLINE = "kline"


def decode(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE…|-", help="Recordings; - reads candump text.", show_default=False
        ),
    ] = None,
    *,
    payload: Annotated[
        str | None,
        typer.Option(help="One reassembled message in hex; - reads lines of HEX or ID HEX."),
    ] = None,
    protocol: Annotated[Protocol | None, typer.Option(help="What --payload is read as.")] = None,
    can_id: Annotated[str, typer.Option("--id", help="Who sent --payload: 7E8, 18FECA00.")] = "",
    pgn: Annotated[str, typer.Option(help="J1939 group of --payload, in hex: FECA.")] = "",
    transport: Annotated[
        bool, typer.Option("--transport", help="Print every reassembled payload.")
    ] = False,
    bus: Annotated[Bus, typer.Option(help="What the recordings were taken from.")] = Bus.CAN,
    addressing: Annotated[
        Addressing, typer.Option(help="Where ISO-TP has its protocol byte.")
    ] = Addressing.NORMAL,
    answer_id: Annotated[
        list[str] | None, typer.Option(help="A further id that answers, such as 7BB.")
    ] = None,
    conversion: Annotated[
        int | None,
        typer.Option(min=1, max=3, help="What J1939 conversion method 1 means in this vehicle."),
    ] = None,
) -> None:
    """Decode recordings (every format of python-can) or single messages to JSON lines."""
    settings = BusSettings(
        addressing=addressing,
        answer_ids=frozenset(_answer_id(one) for one in answer_id or ()),
        conversion=None if conversion is None else j1939.Conversion(conversion),
    )
    if (payload is None) == (not files):
        raise typer.BadParameter("give recordings, or --payload with --protocol; not both")
    if payload is None:
        _print(_lines_of_files(files or [], bus, settings, transport=transport))
        return
    if protocol is None:
        raise typer.BadParameter("--payload needs --protocol")
    reader = _PayloadReader(protocol, can_id, pgn, settings)
    _print(reader.lines(sys.stdin) if payload == STDIN else [reader.line(can_id, payload)])


def _print(lines: Iterable[Line]) -> None:
    for line in lines:
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _answer_id(text: str) -> int:
    parsed = parse_id(text)
    if parsed is None:
        raise typer.BadParameter(f"--answer-id {text}: expected 3 or 8 hex digits")
    return parsed[0]


# Recordings


def _lines_of_files(
    files: list[str], bus: Bus, settings: BusSettings, *, transport: bool
) -> Iterator[Line]:
    if bus is Bus.KLINE:
        raise typer.BadParameter("recordings hold CAN frames; K-line messages go to --payload")
    for name in files:
        if name != STDIN and not Path(name).is_file():
            raise RecordingError(f"{name} is no file that can be read")
    for name in files:
        lead: Line = {"file": name} if len(files) > 1 else {}
        for line in _lines_of_recording(name, bus, settings, transport=transport):
            yield lead | line


def _lines_of_recording(
    name: str, bus: Bus, settings: BusSettings, *, transport: bool
) -> Iterator[Line]:
    listeners: dict[str, Listener] = {}
    for channel, frame in _frames(name):
        listener = listeners.get(channel)
        if listener is None:
            if len(listeners) == CHANNELS_MAX:
                raise RecordingError(f"{name} has more than {CHANNELS_MAX} channels")
            listener = listeners[channel] = Listener(
                bus, addressing=settings.addressing, answer_ids=settings.answer_ids
            )
        for heard in listener.receive(frame):
            found = _found(heard, bus, settings)
            if found is None and not transport:
                continue
            where: Line = {"t": round(frame.t_ms / 1000, 6), "bus": channel, "id": format_id(frame)}
            yield where | shape_heard(heard, found)
    for channel, listener in listeners.items():
        for heard in listener.finish():
            yield {"t": None, "bus": channel, "id": None} | shape_heard(
                heard, _found(heard, bus, settings)
            )


def _found(
    heard: Message | Rejection, bus: Bus, settings: BusSettings
) -> Observation | Rejection | None:
    if isinstance(heard, Rejection):
        return heard
    return messages.decode(heard, bus=bus, settings=settings)


def _frames(name: str) -> Iterator[tuple[str, Frame]]:
    """Read a recording frame by frame, each with the name of its channel."""
    for message in read_recording(name):
        yield (
            str(message.channel),
            Frame(
                message.timestamp * 1000,
                message.arbitration_id,
                bytes(message.data),
                message.is_extended_id,
            ),
        )


# Single messages


def _split(text: str) -> tuple[str, str]:
    """Take the id off ``ID HEX``; of more than two words the first is one only if it looks so."""
    first, *rest = text.split() or [""]
    if len(rest) == 1 or (rest and parse_id(first)):
        return first, " ".join(rest)
    return "", text.strip()


class _PayloadReader:
    """Reads reassembled messages that stand alone."""

    def __init__(self, protocol: Protocol, can_id: str, pgn: str, settings: BusSettings) -> None:
        self._protocol = protocol
        self._settings = settings
        self._id = can_id
        self._pgn: int | None = None
        if protocol is Protocol.J1939:
            try:
                self._pgn = int(pgn, 16) if pgn else None
            except ValueError:
                raise typer.BadParameter(f"--pgn {pgn}: expected hex digits") from None

    def lines(self, texts: Iterable[str]) -> Iterator[Line]:
        """Read one message a line; a line that is none becomes a line with a reason."""
        for text in texts:
            can_id, payload = _split(text)
            yield self.line(can_id or self._id, payload)

    def line(self, can_id: str, payload: str) -> Line:
        """Read one message."""
        head: Line = {"t": None, "bus": None, "id": can_id.upper() or None}
        try:
            data = bytes.fromhex(payload)
        except ValueError:
            bad = Rejection(reason=Reason.BAD_FRAME, text="expected hex digits", raw=b"")
            protocol = {"protocol": self._protocol.value}
            return head | shape_rejection(bad) | protocol | {"payload": payload}
        found = self._read(can_id, data)
        if isinstance(found, Observation):
            return head | shape_observation(found)
        if found is None:
            text = f"no {self._protocol} answer that tells about faults"
            found = Rejection(reason=Reason.NOT_SUPPORTED, text=text, raw=data)
        return head | shape_rejection(found) | {"protocol": self._protocol.value}

    def _read(self, can_id: str, data: bytes) -> Observation | Rejection | None:
        ecu = can_id.upper()
        match self._protocol:
            case Protocol.OBD:
                return obd.decode(data, ecu=ecu)
            case Protocol.KLINE:
                return obd.decode(data, ecu=ecu, is_counted=False)
            case Protocol.UDS | Protocol.WWH:
                return uds.decode(data, ecu=ecu, settings=self._settings.uds)
            case Protocol.J1939:
                return self._read_j1939(can_id, data)

    def _read_j1939(self, can_id: str, data: bytes) -> Observation | Rejection | None:
        parsed = parse_id(can_id)
        number = parsed[0] if parsed is not None and parsed[1] else None
        pgn = self._pgn
        if pgn is None:
            if number is None:
                text = "expected a 29-bit id or --pgn, to know which message this is"
                return Rejection(reason=Reason.BAD_FRAME, text=text, raw=data)
            pgn = j1939.pgn_of(number)
        source = 0 if number is None else number & 0xFF
        found = j1939.decode(pgn, data, source=source, conversion=self._settings.conversion)
        if number is not None or found is None:
            return found
        return found._replace(ecu="") if isinstance(found, Observation) else replace(found, ecu="")

"""A line to a broker for thousands of messages a second: MQTT 3.1.1 on asyncio, QoS 1 both ways.

paho spends 96 µs of a core on a publish and its PUBACK, half of it to wake its thread (measured
beside this: 9 µs). On a small machine that would be time taken from the service under load. There
is no queue here: what is not confirmed when the connection ends is for the caller to send again.

References:
    MQTT 3.1.1 (OASIS 2014), sections 2.2, 3.1 to 3.4, 3.8, 3.9, 3.12.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from random import Random
from typing import Protocol

from simulators.errors import SettingsError
from simulators.unit.mqtt import BrokerAddress

KEEPALIVE_S = 4
RECONNECT_S = 0.5
SILENT_TURNS_MAX = 3
UNCONFIRMED_MAX = 20_000
WRITE_BUFFER_BYTES_MAX = 4_000_000
PACKET_IDS = 65_535

_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 0x20, 0x30, 0x40, 0x90
_PINGREQ, _DISCONNECT = b"\xc0\x00", b"\xe0\x00"


class Ear(Protocol):
    """Who hears what a line brings."""

    def heard(self, topic: str, payload: bytes) -> None:
        """A message came."""

    def confirmed(self, number: int) -> None:
        """The broker has taken what was published under this number; no more than that."""


class Line:
    """One connection, which comes back by itself while `run` runs."""

    def __init__(
        self, address: BrokerAddress, *, client_id: str, filters: tuple[str, ...], ear: Ear
    ) -> None:
        """Prepare; `run` connects.

        Args:
            address: The broker; no TLS here, a load is for machines of one's own.
            client_id: The broker forgets its session at the end of the connection.
            filters: What to hear, at QoS 1.
            ear: Told of what comes, in the event loop.
        """
        self._address = address
        self._client_id = client_id
        self._filters = filters
        self._ear = ear
        self._ids = itertools.cycle(range(1, PACKET_IDS + 1))
        self._unconfirmed: dict[int, int] = {}
        self._transport: asyncio.WriteTransport | None = None
        self._unsent = bytearray()
        self.connections = 0

    @property
    def is_ready(self) -> bool:
        """Whether the broker has accepted us and our filters."""
        return self._transport is not None

    def publish(self, topic: bytes, payload: bytes, *, number: int) -> bool:
        """Send at QoS 1 with the next `flush`; False if it cannot be taken now."""
        transport = self._transport
        if (
            transport is None
            or len(self._unconfirmed) >= UNCONFIRMED_MAX
            or transport.get_write_buffer_size() + len(self._unsent) > WRITE_BUFFER_BYTES_MAX
        ):
            return False
        packet_id = next(one for one in self._ids if one not in self._unconfirmed)
        self._unconfirmed[packet_id] = number
        self._unsent += encode_publish(topic, payload, packet_id=packet_id)
        return True

    def flush(self) -> None:
        """Hand everything published since the last time to the network, in one go."""
        if self._unsent and self._transport is not None:
            self._transport.write(bytes(self._unsent))
        self._unsent.clear()

    async def run(self) -> None:
        """Connect, stay connected, and connect again, until cancelled.

        Raises:
            SettingsError: If the broker refuses us before it ever took us.
        """
        random = Random()  # noqa: S311 - jitter
        while True:
            with contextlib.suppress(OSError, TimeoutError):
                await self._connect_once()
            await asyncio.sleep(RECONNECT_S * (0.5 + random.random()))

    async def _connect_once(self) -> None:
        async with asyncio.timeout(KEEPALIVE_S):
            reader, writer = await asyncio.open_connection(self._address.host, self._address.port)
        try:
            writer.write(self._connect_packet())
            await self._listen(reader, writer)
        finally:
            self._transport = None
            self._unconfirmed.clear()
            self._unsent.clear()
            with contextlib.suppress(OSError):
                writer.write(_DISCONNECT)
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read until the other side hangs up or falls silent; a ping twice in a keep-alive."""
        packets, silent_turns = PacketReader(), 0
        while silent_turns < SILENT_TURNS_MAX:
            try:
                async with asyncio.timeout(KEEPALIVE_S / 2):
                    data = await reader.read(1 << 16)
            except TimeoutError:
                silent_turns += 1
                if self.is_ready:
                    writer.write(_PINGREQ)
                continue
            if not data:
                return
            silent_turns = 0
            for kind, body in packets.feed(data):
                self._take(kind & 0xF0, kind, body, writer.transport)
            self.flush()

    def _take(
        self, packet: int, flags: int, body: bytes, transport: asyncio.WriteTransport
    ) -> None:
        if packet == _PUBACK:
            number = self._unconfirmed.pop(int.from_bytes(body), None)
            if number is not None:
                self._ear.confirmed(number)
        elif packet == _PUBLISH:
            end = 2 + int.from_bytes(body[:2])
            topic, payload = body[2:end].decode(errors="replace"), body[end:]
            if flags & 0x06:
                self._unsent += b"\x40\x02" + payload[:2]
                payload = payload[2:]
            self._ear.heard(topic, payload)
        elif packet == _CONNACK and not body[1] and self._filters:
            transport.write(encode_subscribe(self._filters))
        elif (packet == _CONNACK and not body[1]) or (packet == _SUBACK and 0x80 not in body[2:]):
            self._be_ready(transport)
        elif packet in (_CONNACK, _SUBACK):
            self._refused(body)

    def _be_ready(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self.connections += 1

    def _refused(self, body: bytes) -> None:
        text = f"the broker refused the simulated fleet (answer {body.hex()})"
        if not self.connections:
            raise SettingsError(text)
        raise ConnectionError(text)

    def _connect_packet(self) -> bytes:
        user, password = self._address.user, self._address.password
        flags = 0x02 | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
        fields = [self._client_id, *(text for text in (user, password) if text is not None)]
        body = b"\0\4MQTT\4" + bytes((flags,)) + KEEPALIVE_S.to_bytes(2)
        return _packet(0x10, body + b"".join(_text(field.encode()) for field in fields))


class PacketReader:
    """Cuts a stream of bytes into packets."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Give each packet that is complete: its first byte and what follows its length."""
        data, at = self._rest + data, 0
        while (packet := _cut(data, at)) is not None:
            start, end = packet
            yield data[at], data[start:end]
            at = end
        self._rest = data[at:]


def _cut(data: bytes, at: int) -> tuple[int, int] | None:
    """Find where a packet's body starts and ends; None while it is not complete (2.2.3)."""
    length = 0
    for place in range(4):
        index = at + 1 + place
        if index >= len(data):
            return None
        length |= (data[index] & 0x7F) << (7 * place)
        if not data[index] & 0x80:
            end = index + 1 + length
            return (index + 1, end) if end <= len(data) else None
    raise ConnectionError("the broker sent a length of more than four bytes")


def encode_publish(topic: bytes, payload: bytes, *, packet_id: int) -> bytes:
    """Encode a PUBLISH at QoS 1 (3.3)."""
    return _packet(0x32, _text(topic) + packet_id.to_bytes(2) + payload)


def encode_subscribe(filters: tuple[str, ...]) -> bytes:
    """Encode a SUBSCRIBE at QoS 1 (3.8)."""
    return _packet(0x82, b"\0\1" + b"".join(_text(one.encode()) + b"\1" for one in filters))


def _text(text: bytes) -> bytes:
    return len(text).to_bytes(2) + text


def _packet(kind: int, body: bytes) -> bytes:
    head, length = bytearray((kind,)), len(body)
    while True:
        length, digit = divmod(length, 128)
        head.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(head) + body

"""paho's client without a thread: it reads and writes when the event loop says so, in one go each.

paho asks the operating system three to five times for each packet, and its thread and the event
loop take the interpreter from each other at each of these. Here what has arrived is read at once,
paho cuts it into packets, and what paho wants to send goes out together:

    socket ─readable─▶ inbox ─_sock_recv─▶ paho ─callbacks─▶ the adapter
                         └──── plain messages and confirmations ────▶
    socket ◀─once a turn─ outbox ◀─_sock_send─ paho ◀─publish─ the adapter
                             ◀──── receipts, acknowledgements ────┘

What comes and goes by the thousand and asks nothing of paho (reports at QoS 1, receipts that nobody
waits for, their confirmations) passes it by: its books of them cost more than all our decoding.

What begins with one underscore is paho's own, and not public. Should a later paho call others, this
client does as that one does: more slowly, and as right.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

if TYPE_CHECKING:  # paho has this name for type checkers only
    from paho.mqtt.client import SocketLike

READ_BYTES = 1 << 18
# Then the loop's other work has its turn.
READS_MAX = 64
_DISCONNECT = 0xE0  # MQTT 3.1.1, 3.14
_PUBLISH, _PUBLISH_QOS_1, _DUP = 0x30, 0x32, 0x08  # 3.3.1
_PUBACK, _PUBACK_OF_2 = 0x40, b"\x40\x02"  # 3.4
_FAILURE_MIN = 0x80  # a reason code, MQTT 5.0, 2.4
_LENGTH_BYTES_MAX = 4  # of a packet's length, seven bits each (2.2.3)
# paho makes new ones, with tables of 70 names, for every message: more than all its other work.
_SUCCESS = ReasonCode(PacketTypes.PUBACK)
_NO_PROPERTIES = Properties(PacketTypes.PUBACK)  # type: ignore[no-untyped-call]  # paho's


class LoopClient(paho.Client):
    """A paho client that lives in an event loop.

    `connect` and `reconnect` block, and may run in a thread of their own; all else happens in the
    loop. Someone has to call `loop_misc` now and then, which keeps the connection alive.

    Attributes:
        home: The loop; set before the first connection.
        on_failure: Called when a callback raised: paho's state is worth nothing then.
        on_plain: Called with topic, packet id and payload of most of what comes at QoS 1 without
            properties; `on_message` is called for the rest.
        on_refused: Called with the broker's reason if it does not take what was sent by
            `publish_lightly`.
    """

    home: asyncio.AbstractEventLoop
    on_failure: Callable[[], None]
    on_plain: Callable[[bytes, int, bytes], None]
    on_refused: Callable[[ReasonCode], None]

    def live_in(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        on_plain: Callable[[bytes, int, bytes], None],
        on_refused: Callable[[ReasonCode], None],
        on_failure: Callable[[], None],
    ) -> None:
        """Name the loop, before the first connection."""
        self.home, self.on_plain, self.on_failure = loop, on_plain, on_failure
        self.on_refused = on_refused
        self._inbox, self._read_at = b"", 0
        self._outbox = bytearray()
        self._is_flush_due = False
        self._unconfirmed: dict[int, bytearray] = {}  # packets by their id
        self._is_blocked = False  # by a socket that takes no more
        self._is_paused = False
        self.on_socket_open = self._opened
        self.on_socket_close = self._closed
        self.on_socket_register_write = self._wants_to_write

    def end(self) -> None:
        """Send what is left and close, whatever the other side does."""
        self._flush()
        if (connection := self.socket()) is not None:
            self._closed(self, None, connection)
            connection.close()

    def publish_lightly(self, topic: bytes, payload: bytes) -> bool:
        """Send at QoS 1 what nobody waits for; `send_again` is for the next connection.

        Args:
            topic: Without wildcards.
            payload: Of at most 2^28 bytes with the topic.

        Returns:
            False if as much is unconfirmed already as `max_queued_messages_set` allows.
        """
        if len(self._unconfirmed) >= self._max_queued_messages:
            return False
        packet_id = self._mid_generate()
        id_bytes = packet_id.to_bytes(2)
        if self._protocol == MQTTProtocolVersion.MQTTv5:
            id_bytes += b"\0"  # no properties
        body = b"".join((len(topic).to_bytes(2), topic, id_bytes, payload))
        packet = bytearray((_PUBLISH_QOS_1,)) + _encoded_length(len(body)) + body
        self._unconfirmed[packet_id] = packet
        self._outbox += packet
        self._flush_soon()
        return True

    def send_again(self) -> None:
        """Send, on a new connection, what nobody confirmed on the ones before (4.4)."""
        for packet in self._unconfirmed.values():
            packet[0] |= _DUP
            self._outbox += packet
        self._flush_soon()

    def confirm(self, packet_id: int) -> None:
        """Acknowledge a message of QoS 1 of this connection."""
        self._outbox += _PUBACK_OF_2 + packet_id.to_bytes(2)
        self._flush_soon()

    @property
    def is_paused(self) -> bool:
        """Whether nothing is read for now."""
        return self._is_paused

    def pause(self) -> None:
        """Read no more, once what was read is cut into packets at the latest."""
        if not self._is_paused and (connection := self.socket()) is not None:
            self._is_paused = True
            self.home.remove_reader(connection.fileno())

    def resume(self) -> None:
        """Read on."""
        if self._is_paused and (connection := self.socket()) is not None:
            self._watch(connection)
            self.home.call_soon(self._read_on)

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._read_at >= len(self._inbox):
            self._inbox, self._read_at = super()._sock_recv(READ_BYTES), 0
        data = self._inbox[self._read_at : self._read_at + bufsize]
        self._read_at += len(data)
        return data

    def _sock_send(self, buf: bytes | bytearray) -> int:
        self._outbox += buf
        if buf[0] == _DISCONNECT:  # paho closes the socket next
            self._send()
        return len(buf)

    def _mid_generate(self) -> int:
        """Number a message as none is numbered that waits for its confirmation."""
        packet_id: int = super()._mid_generate()
        while packet_id in self._unconfirmed or packet_id in self._out_messages:
            packet_id = super()._mid_generate()
        return packet_id

    def _take_plain(self) -> None:
        """Take what asks nothing of paho out of the inbox, up to the first that does."""
        inbox, is_5 = self._inbox, self._protocol == MQTTProtocolVersion.MQTTv5
        if self._in_packet["command"] or self._read_at >= len(inbox):
            return  # paho is amid a packet
        self._last_bytes_received = paho.time_func()
        while not self._is_paused:
            start, end = _bounds(inbox, self._read_at)
            if not start or end > len(inbox):
                return
            first = inbox[self._read_at]
            if first & ~_DUP == _PUBLISH_QOS_1:
                id_at = start + 2 + int.from_bytes(inbox[start : start + 2])
                body_at = id_at + 2 + is_5
                # On MQTT 5 a length of 0 says that there are no properties (3.3.2.3).
                if body_at > end or (is_5 and inbox[body_at - 1]):
                    return
                self._read_at = end
                packet_id = int.from_bytes(inbox[id_at : id_at + 2])
                self.on_plain(inbox[start + 2 : id_at], packet_id, inbox[body_at:end])
            elif first == _PUBACK and _is_taken(inbox[start:end]):
                packet_id = int.from_bytes(inbox[start : start + 2])
                if packet_id not in self._unconfirmed:
                    return
                del self._unconfirmed[packet_id]
                self._read_at = end
            else:
                return

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        """Take a PUBACK that says no more than that it is one (3.4)."""
        packet = self._in_packet["packet"]
        packet_id = int.from_bytes(packet[:2])
        if packet_id in self._unconfirmed:
            del self._unconfirmed[packet_id]
            reason = (
                ReasonCode(PacketTypes.PUBACK, identifier=packet[2]) if packet[2:] else _SUCCESS
            )
            if reason.is_failure:
                self.on_refused(reason)
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        if len(packet) != 2:
            return super()._handle_pubackcomp(cmd)
        with self._out_message_mutex:
            if packet_id in self._out_messages:
                return self._do_on_publish(packet_id, _SUCCESS, _NO_PROPERTIES)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    # In the thread that connects; nothing else happens to this connection meanwhile.

    def _opened(self, _client: object, _userdata: object, connection: "SocketLike") -> None:
        self._inbox, self._read_at = b"", 0
        self._outbox.clear()
        self._is_blocked = False
        self.home.call_soon_threadsafe(self._watch, connection)

    # In either.

    def _wants_to_write(self, _client: object, _userdata: object, _connection: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: we are on our way out
            self.home.call_soon_threadsafe(self._flush)

    # In the loop.

    def _watch(self, connection: "SocketLike") -> None:
        if self.socket() is connection:
            self._is_paused = False
            self.home.add_reader(connection.fileno(), self._read)

    def _closed(self, _client: object, _userdata: object, connection: "SocketLike") -> None:
        self.home.remove_reader(connection.fileno())
        self.home.remove_writer(connection.fileno())

    def _read(self) -> None:
        with self._failing():
            if not self._fill():
                self.loop_read()  # finds out why
            for _ in range(READS_MAX):
                self._take_plain()
                if self._is_paused or not self._has_more() or self.loop_read():
                    return
            self.home.call_soon(self._read_on)

    def _fill(self) -> bool:
        """Read what has arrived, if nothing is left of what was read before."""
        if self._read_at >= len(self._inbox):
            with contextlib.suppress(OSError):
                self._inbox, self._read_at = super()._sock_recv(READ_BYTES), 0
        return self._read_at < len(self._inbox)

    def _read_on(self) -> None:
        if self.socket() is not None and not self._is_paused:
            self._read()

    def _has_more(self) -> bool:
        """Whether something lies here, of which the socket will not tell again."""
        connection = self.socket()
        if connection is None:
            return False
        if self._read_at < len(self._inbox):
            return True
        return isinstance(connection, ssl.SSLSocket) and connection.pending() > 0

    def _flush_soon(self) -> None:
        if not self._is_flush_due:
            self._is_flush_due = True
            self.home.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flush_due = False
        if not self._is_blocked and self.socket() is not None:
            with self._failing():
                self.loop_write()
                self._send()

    def _send(self) -> None:
        connection = self.socket()
        if connection is None or not self._outbox:
            return
        try:
            sent = connection.send(self._outbox)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            sent = 0
        except OSError:  # whoever reads is told, too, and ends the connection
            sent = len(self._outbox)
        del self._outbox[:sent]
        if self._outbox and not self._is_blocked:
            self._is_blocked = True
            self.home.add_writer(connection.fileno(), self._go_on)

    def _go_on(self) -> None:
        self._send()
        connection = self.socket()
        if not self._outbox and connection is not None:
            self.home.remove_writer(connection.fileno())
            self._is_blocked = False
            self._flush()

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        is_well = False
        try:
            yield
            is_well = True
        finally:
            if not is_well:
                self.on_failure()


def _is_taken(puback: bytes) -> bool:
    """Whether the broker took a message; on MQTT 5 it may add that nobody wants it (3.4.2.1)."""
    return len(puback) == 2 or (len(puback) > 2 and puback[2] < _FAILURE_MIN)


def _bounds(inbox: bytes, at: int) -> tuple[int, int]:
    """Where the body of the packet at this place begins and ends; zeros if that is not here yet."""
    length = 0
    for nth, byte in enumerate(inbox[at + 1 : at + 1 + _LENGTH_BYTES_MAX]):
        length |= (byte & 0x7F) << 7 * nth
        if byte < 0x80:
            start = at + 2 + nth
            return start, start + length
    return 0, 0


def _encoded_length(length: int) -> bytearray:
    """Write a packet's length, seven bits a byte, the lowest first (2.2.3)."""
    encoded = bytearray()
    while length >= 0x80:
        encoded.append(length & 0x7F | 0x80)
        length >>= 7
    encoded.append(length)
    return encoded

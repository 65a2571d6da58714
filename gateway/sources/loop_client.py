"""paho's client without a thread: it reads and writes when the event loop says so, in one go each.

paho asks the operating system three to five times for each packet, and its thread and the event
loop take the interpreter from each other at each of these. Here what has arrived is read at once,
paho cuts it into packets, and what paho wants to send goes out together:

    socket ─readable─▶ inbox ─_sock_recv─▶ paho ─callbacks─▶ the adapter
    socket ◀─once a turn─ outbox ◀─_sock_send─ paho ◀─publish, ack─ the adapter

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
_QOS, _QOS_1, _RETAIN = 0x06, 0x02, 0x01  # in the first byte of a PUBLISH (3.3.1)
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
        on_plain: Called with topic, packet id and payload of what comes at QoS 1 without
            properties; `on_message` is called for the rest.
    """

    home: asyncio.AbstractEventLoop
    on_failure: Callable[[], None]
    on_plain: Callable[[bytes, int, bytes], None]

    def live_in(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        on_plain: Callable[[bytes, int, bytes], None],
        on_failure: Callable[[], None],
    ) -> None:
        """Name the loop, before the first connection."""
        self.home, self.on_plain, self.on_failure = loop, on_plain, on_failure
        self._inbox, self._read_at = b"", 0
        self._outbox = bytearray()
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

    def _handle_publish(self) -> MQTTErrorCode:
        """Take a PUBLISH apart (3.3); on MQTT 5 a length of 0 says that it has no properties."""
        packet = self._in_packet["packet"]
        id_at = 2 + int.from_bytes(packet[:2])
        start = id_at + 2
        is_plain = self._in_packet["command"] & (_QOS | _RETAIN) == _QOS_1
        if self._protocol == MQTTProtocolVersion.MQTTv5:
            is_plain = is_plain and packet[start : start + 1] == b"\0"
            start += 1
        if not is_plain or len(packet) < start:
            return super()._handle_publish()
        packet_id = int.from_bytes(packet[id_at : id_at + 2])
        self.on_plain(bytes(packet[2:id_at]), packet_id, bytes(packet[start:]))
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        """Take a PUBACK that says no more than that it is one (3.4)."""
        packet = self._in_packet["packet"]
        if len(packet) != 2:
            return super()._handle_pubackcomp(cmd)
        packet_id = int.from_bytes(packet)
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
            for _ in range(READS_MAX):
                if self.loop_read() or self._is_paused or not self._has_more():
                    return
            self.home.call_soon(self._read_on)

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

    def _flush(self) -> None:
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

"""A unit's connection to its broker: the one module that knows paho-mqtt.

MQTT 3.1.1, QoS 1, a fixed client id and a session that outlives the connection. The network thread
of paho does one thing with what arrives: it puts it into a bounded queue. It must never raise, for
paho would end the thread and go on saying that it is connected.
"""

import contextlib
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulators.errors import SettingsError

INBOX_MAX = 1_000
"""Arrivals that wait for the unit; what comes beyond is lost, and a lost receipt comes again."""
OUTBOX_MAX = 200
"""Messages that paho holds; beyond, publishing fails and the unit tries again later."""
KEEPALIVE_S = 30
RECONNECT_S_MAX = 15


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is; the password does not show."""

    host: str
    port: int
    is_tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read ``mqtt://[user[:password]@]host[:port]`` or the same with ``mqtts``.

        Raises:
            SettingsError: If the text is no such address.
        """
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or port == -1:
            raise SettingsError("a broker is mqtt://host:port or mqtts://host:port")
        is_tls = parts.scheme == "mqtts"
        return cls(
            parts.hostname,
            port or (8883 if is_tls else 1883),
            is_tls,
            unquote(parts.username) if parts.username else None,
            unquote(parts.password) if parts.password else None,
        )


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that came, and when, monotonic."""

    topic: str
    payload: bytes
    at_s: float


class Connection:
    """One unit's line to the broker. It comes back by itself for as long as it is open."""

    def __init__(
        self,
        address: BrokerAddress,
        *,
        client_id: str,
        topics: Sequence[str],
        on_change: Callable[[bool, str], None],
    ) -> None:
        """Prepare the line; `open` starts it.

        Args:
            address: The broker.
            client_id: Of the unit; the broker keeps its session by this name.
            topics: What to hear, subscribed again at each connection.
            on_change: Told from paho's thread whether the line is ready and why; must not raise.
        """
        self.inbox: queue.Queue[Arrival] = queue.Queue(INBOX_MAX)
        self._address = address
        self._topics = [(topic, 1) for topic in topics]
        self._on_change = on_change
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=MQTTv311,
        )
        self._client.max_queued_messages_set(OUTBOX_MAX)
        self._client.reconnect_delay_set(1, RECONNECT_S_MAX)
        if address.user is not None:
            self._client.username_pw_set(address.user, address.password)
        if address.is_tls:
            self._client.tls_set()
        self._is_ready = False
        self._told = (False, "")
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_connect_fail = self._unreachable
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._arrived

    def open(self) -> None:
        """Begin to connect, and keep at it."""
        self._client.connect_async(self._address.host, self._address.port, KEEPALIVE_S)
        self._client.loop_start()

    def hang_up(self) -> None:
        """Begin to end the connection; the broker keeps the session."""
        self._is_ready = False
        self._client.disconnect()

    def close(self) -> None:
        """End connection and thread; up to a second each unless all were told to hang up before."""
        self.hang_up()
        self._client.loop_stop()

    @property
    def is_ready(self) -> bool:
        """Whether the broker has accepted us and our subscriptions: receipts can reach us."""
        return self._is_ready

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand a message to the network; return False if it cannot be taken now.

        True is no promise of delivery: only a receipt is.
        """
        return self._client.publish(topic, payload, qos=1).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _connected(
        self,
        client: Client,
        _userdata: Any,  # noqa: ANN401  (paho's signature)
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._change(is_ready=False, text=str(reason))
        else:
            client.subscribe(self._topics)

    def _subscribed(
        self,
        _client: Client,
        _userdata: Any,  # noqa: ANN401  (paho's signature)
        _message_id: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        is_granted = not any(reason.is_failure for reason in reasons)
        self._change(is_ready=is_granted, text=", ".join(str(reason) for reason in reasons))

    def _disconnected(
        self,
        _client: Client,
        _userdata: Any,  # noqa: ANN401  (paho's signature)
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._change(is_ready=False, text=str(reason))

    def _unreachable(self, _client: Client, _userdata: Any) -> None:  # noqa: ANN401
        self._change(is_ready=False, text="unreachable")

    def _change(self, *, is_ready: bool, text: str) -> None:
        """Tell of a change once, not at every attempt."""
        self._is_ready = is_ready
        if self._told != (is_ready, text):
            self._told = (is_ready, text)
            self._on_change(is_ready, text)

    def _arrived(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:  # noqa: ANN401
        arrival = Arrival(message.topic, bytes(message.payload), time.monotonic())
        with contextlib.suppress(queue.Full):
            self.inbox.put_nowait(arrival)

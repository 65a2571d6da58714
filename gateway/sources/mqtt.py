"""The one place that speaks MQTT: a paho client tamed for asyncio, 5 or 3.1.1 as the broker offers.

Every acknowledgement is guarded by an epoch, because a message id belongs to one connection only:
acknowledged on the next one, it would confirm another message, which would then never come again
(seen with paho 2.2). Topic aliases are not used: after a reconnect they loop for ever (seen there).
"""

import asyncio
import contextlib
import logging
import random
import ssl
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.errors import BrokerLostError
from gateway.sources.loop_client import LoopClient

# More than our brokers keep unacknowledged towards one client (1,000). When it is reached, nothing
# is read any more until half is left: then the network holds the broker back.
QUEUE_MESSAGES_MAX = 4_000
CONNECT_TIMEOUT_S = 10.0
PUBLISH_TIMEOUT_S = 3.0
# A line that fell silent is noticed after one to two of these, and an attempt to connect on such a
# line is given up after one: with the wait between attempts, we are back 10 s after the network is.
KEEPALIVE_S = 4
RECONNECT_S_MIN, RECONNECT_S_MAX = 1.0, 2.0
LOOK_S = 0.5
# The first that the broker takes; nats-server refuses 5.
VERSIONS = (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311)
# On MQTT 5: how many messages may be on their way to us without an acknowledgement, whatever the
# broker's own limit is; and for how long it keeps our session. On 3.1.1 only the broker decides.
RECEIVE_MAX = 1_000
SESSION_EXPIRY_S = 30 * 86_400
# paho looks through all that is unconfirmed at every confirmation while a limit is set. What we
# publish is bounded all the same: beyond it a receipt is not sent, and its unit asks again.
OUTGOING_INFLIGHT_UNLIMITED = 0
OUTGOING_MESSAGES_MAX = 5_000

# Reason codes (MQTT 5.0, 2.4): from here on they are failures; the version is not supported.
_FAILURE_MIN = 0x80
_UNSUPPORTED_VERSION = 0x84

log = logging.getLogger("rightbay.mqtt")


class _OtherVersionWantedError(Exception):
    """The broker does not speak the version that was tried."""


class Message(NamedTuple):
    """A message as it came, with what is needed to acknowledge it."""

    topic: str
    payload: bytes
    received_at: datetime
    mid: int
    qos: int
    epoch: int


class MqttClient:
    """A connection that comes back by itself and never acknowledges in the name of an older one."""

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        subscriptions: Sequence[str] = (),
        is_durable: bool = True,
    ) -> None:
        """Prepare a connection; `running` opens it.

        Args:
            url: ``mqtt://[user:password@]host[:port]``, or ``mqtts://`` for TLS.
            client_id: Fixed for the role, so that the broker finds its session again.
            subscriptions: Topic filters, subscribed at QoS 1 at every connection.
            is_durable: Whether the broker keeps the session while we are away.
        """
        self._url = urlsplit(url)
        self._client_id = client_id
        self._subscriptions = tuple(subscriptions)
        self._is_durable = is_durable
        self._client = self._make_client(VERSIONS[0])
        self._epoch = 0
        self._awaited: dict[int, asyncio.Future[None]] = {}
        self._arrived: deque[Message] = deque()
        self._held: set[int] = set()  # ids of this connection that are not acknowledged yet
        self._wake = asyncio.Event()
        self._ready: asyncio.Future[None] | None = None
        self._has_ended = False
        self._is_stopping = False
        self._connecting = threading.Lock()  # held by the thread in which a connection is made

    @property
    def version(self) -> str:
        """The version of MQTT that is spoken, ``5`` or ``3.1.1``."""
        return "5" if self._client.protocol is MQTTProtocolVersion.MQTTv5 else "3.1.1"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["MqttClient"]:
        """Connect, keep connected, and disconnect at the end.

        Raises:
            BrokerLostError: If the broker cannot be reached at first, or refuses us.
        """
        host, port = self._url.hostname or "localhost", self._url.port or self._default_port()
        try:
            await self._connect(host, port)
        except (OSError, TimeoutError) as error:
            await self._stop()
            raise BrokerLostError(
                f"the broker at {host}:{port} cannot be reached: {str(error) or 'no answer'}; "
                "is it running, and is RIGHTBAY_BROKER_URL right?"
            ) from error
        except BrokerLostError:
            await self._stop()
            raise
        keeper = asyncio.create_task(self._keep(), name="mqtt")
        try:
            yield self
        finally:
            keeper.cancel()
            await asyncio.wait({keeper})
            await self._stop()

    async def _connect(self, host: str, port: int) -> None:
        """Connect in the newest version that the broker takes."""
        loop = asyncio.get_running_loop()
        for version in VERSIONS:
            self._client = self._make_client(version)
            self._client.live_in(
                loop,
                on_plain=self._on_plain,
                on_refused=self._on_refused,
                on_failure=self._end,
            )
            self._ready = loop.create_future()
            with contextlib.suppress(_OtherVersionWantedError):
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await asyncio.to_thread(self._open, host, port)
                    await self._ready
                return
            self._client.disconnect()
        raise BrokerLostError("the broker takes neither MQTT 5 nor 3.1.1")

    def _make_client(self, version: MQTTProtocolVersion) -> LoopClient:
        is_5 = version is MQTTProtocolVersion.MQTTv5
        client = LoopClient(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if is_5 else not self._is_durable,
            protocol=version,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = KEEPALIVE_S
        client.max_inflight_messages_set(OUTGOING_INFLIGHT_UNLIMITED)
        client.max_queued_messages_set(OUTGOING_MESSAGES_MAX)
        if self._url.username:
            password = unquote(self._url.password or "")
            client.username_pw_set(unquote(self._url.username), password)
        if self._url.scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context())
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _open(self, host: str, port: int) -> None:
        """Connect, in a thread: names are looked up and connections made without asyncio."""
        with self._connecting:
            if self._client.protocol is not MQTTProtocolVersion.MQTTv5:
                self._client.connect(host, port, KEEPALIVE_S)
                return
            wanted = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's
            wanted.ReceiveMaximum = RECEIVE_MAX
            wanted.SessionExpiryInterval = SESSION_EXPIRY_S if self._is_durable else 0
            is_fresh = not self._is_durable
            self._client.connect(host, port, KEEPALIVE_S, clean_start=is_fresh, properties=wanted)

    def _open_again(self) -> None:
        with self._connecting, contextlib.suppress(OSError):
            if not self._is_stopping:
                self._client.reconnect()

    async def receive(self) -> Message:
        """Wait for the next message.

        Raises:
            BrokerLostError: If the network thread died; nothing will come any more.
        """
        while not self._arrived:
            if self._has_ended:
                raise BrokerLostError("the connection to the broker ended for good")
            self._wake.clear()
            await self._wake.wait()
        return self._next()

    async def lost(self) -> None:
        """Return never; for roles that only send.

        Raises:
            BrokerLostError: When the connection ended for good.
        """
        while not self._has_ended:
            self._wake.clear()
            await self._wake.wait()
        raise BrokerLostError("the connection to the broker ended for good")

    def receive_nowait(self) -> Message | None:
        """The next message if it is already here."""
        return self._next() if self._arrived else None

    def _next(self) -> Message:
        message = self._arrived.popleft()
        if self._client.is_paused and len(self._arrived) <= QUEUE_MESSAGES_MAX // 2:
            self._client.resume()
        return message

    def acknowledge(self, message: Message) -> bool:
        """Tell the broker that it may forget a message; call in the order of arrival.

        Returns:
            False if the connection that brought the message is gone: the broker will send it again.
        """
        if message.epoch != self._epoch:
            return False
        self._held.discard(message.mid)
        if message.qos == 1:
            self._client.confirm(message.mid)
        else:
            self._client.ack(message.mid, message.qos)
        return True

    def publish(self, topic: str, payload: bytes) -> None:
        """Send at QoS 1 without waiting.

        Lost if we die before the broker has it, or if it has ``OUTGOING_MESSAGES_MAX`` to confirm.
        While the broker is away, that many wait for it.
        """
        if self._client.is_connected():
            self._client.publish_lightly(topic.encode(), payload)
        else:
            self._client.publish(topic, payload, qos=1)

    async def deliver(self, topic: str, payload: bytes) -> None:
        """Send at QoS 1 and wait until the broker has taken it.

        Raises:
            BrokerLostError: If the broker did not confirm in time; it may have the message anyway.
        """
        if not self._client.is_connected():
            # paho would keep one copy for each attempt while the broker is away, without limit.
            raise BrokerLostError("the broker is away")
        info = self._client.publish(topic, payload, qos=1)
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerLostError(f"the broker's client refused a message: {info.rc.name}")
        # Confirmations are taken in this loop, so none can come before this line.
        done = self._awaited[info.mid] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                await done
        except TimeoutError as error:
            raise BrokerLostError("the broker did not confirm a message in time") from error
        finally:
            self._awaited.pop(info.mid, None)

    def _default_port(self) -> int:
        return 8883 if self._url.scheme == "mqtts" else 1883

    async def _stop(self) -> None:
        self._is_stopping = True
        await asyncio.to_thread(self._until_connected)
        self._client.disconnect()
        self._client.end()

    def _until_connected(self) -> None:
        """Wait for a thread that makes a connection; it gives up by itself."""
        with self._connecting:
            pass

    async def _keep(self) -> None:
        """Keep the connection alive, and make a new one when it is lost."""
        while not self._has_ended:
            if self._client.socket() is None:
                await asyncio.sleep(random.uniform(RECONNECT_S_MIN, RECONNECT_S_MAX))  # noqa: S311 - so that not all come at once
                await asyncio.to_thread(self._open_again)
            await asyncio.sleep(LOOK_S)
            self._client.loop_misc()

    # What follows is called by paho, in the event loop. An exception there would leave paho amid a
    # packet, so it ends the connection for good.

    def _on_connect(
        self,
        _client: object,
        _userdata: object,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        _p: object,
    ) -> None:
        self._epoch += 1
        self._held.clear()
        self._say("broker_connected", reason)
        if flags.session_present:
            self._expect_again(self._epoch)
        if reason.value == _UNSUPPORTED_VERSION and self._ready and not self._ready.done():
            self._ready.set_exception(_OtherVersionWantedError())
        elif reason.is_failure:
            self._fail(f"the broker refused us: {reason}")
        else:
            self._client.send_again()
            if self._subscriptions:
                self._client.subscribe([(topic, 1) for topic in self._subscriptions])
            # A session that is known has its subscriptions, and what waited in it comes before the
            # answer to ours: more than the queue takes (seen with Mosquitto 2.0), so who waited for
            # the answer would wait for ever.
            if flags.session_present or not self._subscriptions:
                self._be_ready()

    def _on_disconnect(
        self, client: object, _userdata: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        self._epoch += 1
        self._say("broker_disconnected", reason)
        if self._ready and not self._ready.done() and client is self._client:
            # Some say no to a version that they do not know by hanging up.
            self._ready.set_exception(
                _OtherVersionWantedError()
                if self.version == "5"
                else BrokerLostError(f"the broker hung up: {reason}")
            )

    def _on_subscribe(
        self, _c: object, _userdata: object, _mid: int, reasons: list[ReasonCode], _p: object
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            self._fail(f"the broker refused a subscription: {', '.join(refused)}")
        else:
            self._be_ready()

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic.encode()
        except UnicodeDecodeError:
            topic = b"\xff"
        self._take(topic, bytes(message.payload), message.mid, message.qos)

    def _on_plain(self, topic: bytes, packet_id: int, payload: bytes) -> None:
        self._take(topic, payload, packet_id, 1)

    def _take(self, topic: bytes, payload: bytes, mid: int, qos: int) -> None:
        """Take a message, unless it is a copy of one that is here already.

        nats-server sends again, on a living connection too, what it misses an acknowledgement for.
        The id is free for another message when the first copy is acknowledged, so that to
        acknowledge the second would let go of one that nobody has stored.
        """
        if qos:
            if mid in self._held:
                return
            self._held.add(mid)
        try:
            text = topic.decode()
        except UnicodeDecodeError:
            text = ""  # MQTT wants UTF-8; the payload is still evidence
        self._enqueue(Message(text, payload, datetime.now(UTC), mid, qos, self._epoch))

    def _on_publish(
        self, _client: object, _userdata: object, mid: int, reason: ReasonCode, _p: object
    ) -> None:
        future = self._awaited.get(mid)
        if reason.value >= _FAILURE_MIN:  # on MQTT 5 a broker may say why it does not take it
            self._on_refused(reason)
            if future is not None and not future.done():
                future.set_exception(BrokerLostError(f"the broker refused a message: {reason}"))
        elif future is not None and not future.done():
            future.set_result(None)

    @staticmethod
    def _on_refused(reason: ReasonCode) -> None:
        log.warning("broker_refused_message", extra={"reason": str(reason)})

    def _say(self, event: str, reason: ReasonCode) -> None:
        facts = {"client": self._client_id, "reason": str(reason), "mqtt": self.version}
        log.info(event, extra=facts)

    def _expect_again(self, epoch: int) -> None:
        """Let go of what the broker, which knows our session, will send again.

        Kept, it would fill the queue with copies at each new connection, until the queue's limit
        ends that connection too, and so on (seen while the database was away).
        """
        self._arrived = deque(
            message for message in self._arrived if message.epoch >= epoch or not message.qos
        )

    def _enqueue(self, message: Message) -> None:
        self._arrived.append(message)
        self._wake.set()
        if len(self._arrived) >= QUEUE_MESSAGES_MAX:
            self._client.pause()

    def _be_ready(self) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)

    def _fail(self, text: str) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(BrokerLostError(text))
        self._end()

    def _end(self) -> None:
        self._has_ended = True
        self._wake.set()

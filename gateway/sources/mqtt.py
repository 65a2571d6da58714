"""The one place that speaks MQTT: a paho client tamed for asyncio.

paho runs its network loop in a thread. Everything that crosses into the event loop does so by
`call_soon_threadsafe`. Every acknowledgement is guarded by an epoch, because a message id belongs
to one connection only: acknowledged on the next one, it would confirm another message, which would
then never come again (seen with paho 2.2).
"""

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from gateway.errors import BrokerLostError

# More than any broker keeps unacknowledged towards one client (ours: 1,000). Reached only by
# messages that need no acknowledgement; then the connection is dropped and begun anew.
QUEUE_MESSAGES_MAX = 4_000
CONNECT_TIMEOUT_S = 10.0
PUBLISH_TIMEOUT_S = 3.0
# A line that fell silent is noticed after one to two of these, and an attempt to connect on such a
# line is given up after one: with the wait between attempts, we are back 10 s after the network is.
KEEPALIVE_S = 4
RECONNECT_S_MIN, RECONNECT_S_MAX = 1, 2
WATCHDOG_S = 1.0
# paho looks through all that is unconfirmed at every confirmation while a limit is set. What we
# publish is bounded all the same: beyond it a receipt is not sent, and its unit asks again.
OUTGOING_INFLIGHT_UNLIMITED = 0
OUTGOING_MESSAGES_MAX = 5_000

log = logging.getLogger("rightbay.mqtt")


@dataclass(frozen=True, slots=True)
class Message:
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
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=not is_durable,
            protocol=paho.MQTTv311,
            manual_ack=True,
            reconnect_on_failure=True,
        )
        self._client.max_inflight_messages_set(OUTGOING_INFLIGHT_UNLIMITED)
        self._client.max_queued_messages_set(OUTGOING_MESSAGES_MAX)
        self._client.reconnect_delay_set(RECONNECT_S_MIN, RECONNECT_S_MAX)
        if self._url.username:
            password = unquote(self._url.password or "")
            self._client.username_pw_set(unquote(self._url.username), password)
        if self._url.scheme == "mqtts":
            self._client.tls_set_context(ssl.create_default_context())
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        self._lock = threading.RLock()  # guards the epoch, and acknowledgements in it
        self._epoch = 0
        self._awaited: dict[int, asyncio.Future[None]] = {}
        self._deliveries = 0  # under way; without any, nobody asks for confirmations
        self._loop: asyncio.AbstractEventLoop | None = None
        self._landed: deque[Message] = deque()  # from the network thread, not yet counted
        self._is_called = False  # the event loop knows that something has landed
        self._arrived: deque[Message] = deque()
        self._wake = asyncio.Event()
        self._ready: asyncio.Future[None] | None = None
        self._has_ended = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["MqttClient"]:
        """Connect, keep connected, and disconnect at the end.

        Raises:
            BrokerLostError: If the broker cannot be reached at first, or refuses us.
        """
        loop = self._loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        host, port = self._url.hostname or "localhost", self._url.port or self._default_port()
        try:
            await asyncio.to_thread(self._client.connect, host, port, KEEPALIVE_S)
            self._client.loop_start()
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._ready
            watchdog = asyncio.create_task(self._watch_thread(), name="mqtt watchdog")
        except (OSError, TimeoutError) as error:
            await self._stop()
            raise BrokerLostError(
                f"the broker at {host}:{port} cannot be reached: {str(error) or 'no answer'}; "
                "is it running, and is RIGHTBAY_BROKER_URL right?"
            ) from error
        except BrokerLostError:
            await self._stop()
            raise
        try:
            yield self
        finally:
            watchdog.cancel()
            await self._stop()

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
        return self._arrived.popleft()

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
        return self._arrived.popleft() if self._arrived else None

    def acknowledge(self, message: Message) -> bool:
        """Tell the broker that it may forget a message; call in the order of arrival.

        Returns:
            False if the connection that brought the message is gone: the broker will send it again.
        """
        with self._lock:
            if message.epoch != self._epoch:
                return False
            self._client.ack(message.mid, message.qos)
            return True

    def publish(self, topic: str, payload: bytes) -> None:
        """Send at QoS 1 without waiting.

        Lost if we die before the broker has it, or if it has ``OUTGOING_MESSAGES_MAX`` to confirm.
        """
        self._client.publish(topic, payload, qos=1)

    async def deliver(self, topic: str, payload: bytes) -> None:
        """Send at QoS 1 and wait until the broker has taken it.

        Raises:
            BrokerLostError: If the broker did not confirm in time; it may have the message anyway.
        """
        if not self._client.is_connected():
            # paho would keep one copy for each attempt while the broker is away, without limit.
            raise BrokerLostError("the broker is away")
        self._deliveries += 1  # before the publish: its confirmation may come at once
        try:
            await self._publish_and_wait(topic, payload)
        finally:
            self._deliveries -= 1

    async def _publish_and_wait(self, topic: str, payload: bytes) -> None:
        info = self._client.publish(topic, payload, qos=1)
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerLostError(f"the broker's client refused a message: {info.rc.name}")
        # Confirmations are taken in this thread, so none can come before this line.
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
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    async def _watch_thread(self) -> None:
        name = f"paho-mqtt-client-{self._client_id}"
        while any(thread.name == name and thread.is_alive() for thread in threading.enumerate()):  # noqa: ASYNC110 - a dead thread sets no event
            await asyncio.sleep(WATCHDOG_S)
        self._end()

    # What follows runs in the network thread. An exception there would end it silently while the
    # connection still looks alive, so each of these does one thing that cannot fail.

    def _on_connect(
        self,
        _client: object,
        _userdata: object,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        _p: object,
    ) -> None:
        with self._lock:
            self._epoch += 1
        self._in_loop(self._say, "broker_connected", reason)
        if flags.session_present:
            self._in_loop(self._expect_again, self._epoch)
        if reason.is_failure:
            self._in_loop(self._fail, f"the broker refused us: {reason}")
        elif self._subscriptions:
            self._client.subscribe([(topic, 1) for topic in self._subscriptions])
        else:
            self._in_loop(self._be_ready)

    def _on_disconnect(
        self, _client: object, _userdata: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        with self._lock:
            self._epoch += 1
        self._in_loop(self._say, "broker_disconnected", reason)

    def _on_subscribe(
        self, _c: object, _userdata: object, _mid: int, reasons: list[ReasonCode], _p: object
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._in_loop(self._fail, "the broker refused a subscription")
        else:
            self._in_loop(self._be_ready)

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # MQTT wants UTF-8; the payload is still evidence
        arrived = Message(
            topic, bytes(message.payload), datetime.now(UTC), message.mid, message.qos, self._epoch
        )
        self._landed.append(arrived)
        # One call for all that land before it runs: each costs a system call and a switch.
        if not self._is_called:
            self._is_called = True
            self._in_loop(self._take_landed)

    def _on_publish(
        self, _client: object, _userdata: object, mid: int, _reason: object, _p: object
    ) -> None:
        # No lock here: paho holds one of its own, and who publishes may wait for it.
        if self._deliveries:
            self._in_loop(self._confirm, mid)

    def _in_loop(self, function: object, *arguments: object) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: we are on our way out
                self._loop.call_soon_threadsafe(function, *arguments)  # type: ignore[arg-type]  # typed by its callers

    # And this in the event loop.

    def _say(self, event: str, reason: ReasonCode) -> None:
        log.info(event, extra={"client": self._client_id, "reason": str(reason)})

    def _expect_again(self, epoch: int) -> None:
        """Let go of what the broker, which knows our session, will send again.

        Kept, it would fill the queue with copies at each new connection, until the queue's limit
        ends that connection too, and so on (seen while the database was away).
        """
        self._arrived = deque(
            message for message in self._arrived if message.epoch >= epoch or not message.qos
        )

    def _take_landed(self) -> None:
        self._is_called = False  # before the look: what lands after it calls again
        while self._landed:
            self._enqueue(self._landed.popleft())

    def _enqueue(self, message: Message) -> None:
        if len(self._arrived) < QUEUE_MESSAGES_MAX:
            self._arrived.append(message)
            self._wake.set()
        elif message.qos and (connection := self._client.socket()) is not None:
            # It stays unacknowledged, and comes again with the next connection.
            with (
                contextlib.suppress(OSError),
                socket.socket(fileno=os.dup(connection.fileno())) as same,
            ):
                same.shutdown(socket.SHUT_RDWR)

    def _confirm(self, mid: int) -> None:
        future = self._awaited.get(mid)
        if future is not None and not future.done():
            future.set_result(None)

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

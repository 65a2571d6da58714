"""The MQTT adapter against real brokers: what is unacknowledged comes again, and nothing else."""

import asyncio
import os
import socket
import uuid

import pytest

from gateway.errors import BrokerLostError
from gateway.sources import loop_client, mqtt
from gateway.sources.mqtt import Message, MqttClient
from rightbay.servers.broker import BrokerKind, BrokerProgram

pytestmark = pytest.mark.integration


def client(url: str, *topics: str, name: str = "", is_durable: bool = True) -> MqttClient:
    return MqttClient(
        url,
        client_id=name or f"test-{uuid.uuid4().hex}",
        subscriptions=topics,
        is_durable=is_durable,
    )


async def receive(source: MqttClient, *, timeout_s: float = 10) -> Message:
    async with asyncio.timeout(timeout_s):
        return await source.receive()


def cut(source: MqttClient) -> None:
    """Break the connection as a network would, unknown to the client's own code."""
    connection = source._client.socket()
    assert connection is not None
    with socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)


async def test_what_is_sent_arrives_with_its_topic_and_bytes(
    broker_url: str, topic_prefix: str
) -> None:
    topic, body = f"{topic_prefix}/u-1/up/report", b"\x00\xff{}"
    async with client(broker_url, f"{topic_prefix}/+/up/report").running() as source:
        await source.deliver(topic, body)
        heard = await receive(source)
    assert (heard.topic, heard.payload) == (topic, body)
    assert heard.received_at.tzinfo is not None


async def test_the_newest_version_that_the_broker_takes_is_spoken(
    broker_url: str, broker_program: BrokerProgram
) -> None:
    async with client(broker_url).running() as source:
        expected = {BrokerKind.MOSQUITTO: "5", BrokerKind.NATS: "3.1.1"}
        assert source.version == expected[broker_program.kind]


async def test_a_broker_that_speaks_5_is_spoken_to_in_the_old_version_as_well(
    broker_url: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session begun in one version goes on in the other."""
    name, topic = f"test-{uuid.uuid4().hex}", f"{topic_prefix}/t"
    with monkeypatch.context() as patch:
        patch.setattr(mqtt, "VERSIONS", mqtt.VERSIONS[1:])
        async with client(broker_url, topic, name=name).running() as source:
            assert source.version == "3.1.1"
            await source.deliver(topic, b"1")
            await receive(source)
    async with client(broker_url, topic, name=name).running() as source:
        assert (await receive(source)).payload == b"1"


# 3.1.1 has no such limit; nats-server's own is told in its settings.
@pytest.mark.parametrize("broker_program", [BrokerKind.MOSQUITTO], indirect=True)
async def test_on_version_5_no_more_is_on_its_way_than_we_said(
    broker_url: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "RECEIVE_MAX", 3)
    topic = f"{topic_prefix}/t"
    async with (
        client(broker_url, topic).running() as source,
        client(broker_url).running() as sender,
    ):
        for number in range(6):
            await sender.deliver(topic, b"%d" % number)
        await asyncio.sleep(0.3)
        held = [source.receive_nowait() for _ in range(4)]
        assert held[3] is None
        assert held[0] is not None
        source.acknowledge(held[0])
        assert (await receive(source)).payload == b"3"


async def test_what_was_not_acknowledged_comes_again_in_the_next_connection(
    broker_url: str, topic_prefix: str
) -> None:
    name, topic = f"test-{uuid.uuid4().hex}", f"{topic_prefix}/t"
    async with client(broker_url, topic, name=name).running() as source:
        for number in range(3):
            await source.deliver(topic, b"%d" % number)
        first, _, _ = [await receive(source) for _ in range(3)]
        assert source.acknowledge(first)
        await asyncio.sleep(0.3)  # the acknowledgement is on its way
    async with client(broker_url, topic, name=name).running() as source:
        again = [(await receive(source)).payload for _ in range(2)]
    assert sorted(again) == [b"1", b"2"]


async def test_what_comes_again_takes_the_place_of_what_was_waiting(
    broker_url: str, topic_prefix: str
) -> None:
    """Else each new connection would add a copy of all that is in flight."""
    topic = f"{topic_prefix}/t"
    async with (
        client(broker_url, topic).running() as source,
        client(broker_url).running() as sender,
    ):
        for number in range(5):
            await sender.deliver(topic, b"%d" % number)
        for _ in range(2):
            await asyncio.sleep(0.3)  # they have arrived, and wait
            epoch = source._epoch
            cut(source)
            async with asyncio.timeout(15):
                while source._epoch < epoch + 2:  # noqa: ASYNC110 - it is a number
                    await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        heard = [await receive(source) for _ in range(5)]
        assert source.receive_nowait() is None
    assert sorted(message.payload for message in heard) == [b"%d" % n for n in range(5)]
    assert len({message.epoch for message in heard}) == 1


@pytest.mark.parametrize("broker_program", [BrokerKind.NATS], indirect=True)
async def test_a_copy_of_what_is_held_is_passed_over_and_acknowledged_once(
    broker_url: str, topic_prefix: str
) -> None:
    """Else the copy's acknowledgement would be that of the next message with its id."""
    topic = f"{topic_prefix}/t"
    copies: list[int] = []
    async with (
        client(broker_url, topic).running() as source,
        client(broker_url).running() as sender,
    ):
        sender.publish(topic, b"1")
        first = await receive(source)
        take = source._client.on_plain

        def counted(heard: bytes, packet_id: int, payload: bytes) -> None:
            copies.append(packet_id)
            take(heard, packet_id, payload)

        source._client.on_plain = counted
        async with asyncio.timeout(10):
            while not copies:  # noqa: ASYNC110 - the broker waits for the acknowledgement
                await asyncio.sleep(0.05)
        assert copies == [first.mid]
        assert source.receive_nowait() is None
        assert source.acknowledge(first)
        sender.publish(topic, b"2")
        assert (await receive(source)).payload == b"2"


async def test_messages_of_every_length_arrive_whole_in_their_order(
    broker_url: str, topic_prefix: str
) -> None:
    """On both sides of where a packet's length takes one byte more, and longer than one read."""
    topic = f"{topic_prefix}/t"
    lengths = [0, 90, 127, 128, 200, 16_300, 16_400, 3, loop_client.READ_BYTES + 7, 5, 5, 5]
    sent = [bytes([65 + nth]) * length for nth, length in enumerate(lengths)]
    async with (
        client(broker_url, topic).running() as source,
        client(broker_url).running() as sender,
    ):
        for body in sent:
            sender.publish(topic, body)
        heard = [await receive(source) for _ in sent]
        assert [message.payload for message in heard] == sent
        assert {message.topic for message in heard} == {topic}
        assert all(source.acknowledge(message) for message in heard)
        await asyncio.sleep(0.3)
        assert sender._client._unconfirmed == {}
        cut(source)  # what was acknowledged does not come again
        sender.publish(topic, b"next")
        assert (await receive(source)).payload == b"next"


async def test_no_more_is_sent_than_may_be_unconfirmed(
    broker_url: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "OUTGOING_MESSAGES_MAX", 3)
    topic = f"{topic_prefix}/t"
    async with (
        client(broker_url, topic).running() as source,
        client(broker_url).running() as sender,
    ):
        for number in range(5):
            sender.publish(topic, b"%d" % number)
        heard = [(await receive(source)).payload for _ in range(3)]
        assert heard == [b"0", b"1", b"2"]
        await asyncio.sleep(0.3)
        sender.publish(topic, b"confirmed")
        assert (await receive(source)).payload == b"confirmed"


async def test_what_was_on_its_way_when_the_connection_broke_is_sent_again(
    broker_url: str, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}/t"
    async with (
        client(broker_url, topic).running() as source,
        client(broker_url).running() as sender,
    ):
        for number in range(3):
            sender.publish(topic, b"%d" % number)
        cut(sender)  # before any of it went out
        heard = [(await receive(source)).payload for _ in range(3)]
        assert heard == [b"0", b"1", b"2"]
        sender.publish(topic, b"next")
        assert (await receive(source)).payload == b"next"


async def test_what_is_published_while_the_broker_is_away_waits_for_it(
    broker_url: str, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}/t"
    async with (
        client(broker_url, topic).running() as source,
        client(broker_url).running() as sender,
    ):
        cut(sender)
        async with asyncio.timeout(5):
            while sender._client.is_connected():  # noqa: ASYNC110 - it is a state
                await asyncio.sleep(0.01)
        sender.publish(topic, b"later")
        assert (await receive(source)).payload == b"later"


async def test_an_acknowledgement_for_a_connection_that_is_gone_is_not_sent(
    broker_url: str, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}/t"
    async with client(broker_url, topic).running() as source:
        await source.deliver(topic, b"before")
        before = await receive(source)
        cut(source)
        again = await receive(source)
        assert (again.payload, again.epoch > before.epoch) == (b"before", True)
        assert not source.acknowledge(before)
        assert source.acknowledge(again)


async def test_after_a_cut_it_subscribes_again_and_goes_on(
    broker_url: str, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}/t"
    async with (
        client(broker_url, topic, is_durable=False).running() as source,
        client(broker_url).running() as sender,
    ):
        cut(source)
        async with asyncio.timeout(15):
            while source.receive_nowait() is None:
                await sender.deliver(topic, b"after")
                await asyncio.sleep(0.1)


async def test_what_the_queue_cannot_hold_waits_in_the_network(
    broker_url: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "QUEUE_MESSAGES_MAX", 2)
    topic = f"{topic_prefix}/t"
    async with (
        client(broker_url, topic).running() as source,
        client(broker_url).running() as sender,
    ):
        for number in range(6):
            await sender.deliver(topic, b"%d" % number)
        await asyncio.sleep(0.3)
        assert len(source._arrived) == 2
        heard: set[bytes] = set()
        while len(heard) < 6:
            message = await receive(source, timeout_s=20)
            heard.add(message.payload)
            source.acknowledge(message)
    assert heard == {b"%d" % number for number in range(6)}


async def test_more_that_waits_than_the_queue_holds_does_not_keep_us_from_connecting(
    broker_url: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "QUEUE_MESSAGES_MAX", 2)
    monkeypatch.setattr(mqtt, "CONNECT_TIMEOUT_S", 3.0)
    name, topic = f"test-{uuid.uuid4().hex}", f"{topic_prefix}/t"
    async with client(broker_url, topic, name=name).running():
        pass
    async with client(broker_url).running() as sender:
        for number in range(6):
            await sender.deliver(topic, b"%d" % number)
    heard: set[bytes] = set()
    # The broker sends what waited before it answers our subscription.
    async with client(broker_url, topic, name=name).running() as source:
        while len(heard) < 6:
            message = await receive(source, timeout_s=20)
            heard.add(message.payload)
            source.acknowledge(message)
    assert heard == {b"%d" % number for number in range(6)}


async def test_a_callback_that_fails_ends_the_connection_for_good(
    broker_url: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    topic = f"{topic_prefix}/t"
    async with client(broker_url, topic).running() as source:
        monkeypatch.setattr(source._client, "on_plain", fail)
        source.publish(topic, b"")
        with pytest.raises(BrokerLostError):
            await receive(source)
        with pytest.raises(BrokerLostError):
            await source.lost()


async def test_a_delivery_that_nobody_confirms_is_an_error(
    broker_url: str, monkeypatch: pytest.MonkeyPatch, topic_prefix: str
) -> None:
    monkeypatch.setattr(mqtt, "PUBLISH_TIMEOUT_S", 0.05)
    async with client(broker_url).running() as source:
        connection = source._client.socket()
        assert connection is not None
        asyncio.get_running_loop().remove_reader(connection.fileno())
        with pytest.raises(BrokerLostError, match="confirm"):
            await source.deliver(f"{topic_prefix}/t", b"")


async def test_hundreds_of_deliveries_at_once_are_all_confirmed(
    broker_url: str, topic_prefix: str
) -> None:
    async with client(broker_url).running() as source, asyncio.timeout(30):
        for _ in range(10):
            await asyncio.gather(*(source.deliver(f"{topic_prefix}/{n}", b"x") for n in range(300)))


async def test_a_broker_that_is_not_there_is_one_clear_error() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(BrokerLostError, match=f"127.0.0.1:{port}.*RIGHTBAY_BROKER_URL"):
        async with client(f"mqtt://127.0.0.1:{port}").running():
            pass

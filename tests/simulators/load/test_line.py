"""Packets are cut and put together as MQTT 3.1.1 says, and a real broker agrees."""

import asyncio
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.load.account import Account, percentile_ms
from simulators.load.line import PacketReader, encode_publish
from simulators.load.plan import Load, Shares
from simulators.load.sender import Manner, Sender
from simulators.unit.mqtt import BrokerAddress, Connection


@given(
    st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=300)), max_size=5),
    st.integers(1, 40),
)
def test_a_stream_is_cut_into_the_packets_it_was_made_of(
    messages: list[tuple[bytes, bytes]], step: int
) -> None:
    packets = [encode_publish(topic, body, packet_id=7) for topic, body in messages]
    stream, reader = b"".join(packets), PacketReader()
    found = [
        packet
        for at in range(0, len(stream), step)
        for packet in reader.feed(stream[at : at + step])
    ]
    assert [kind for kind, _ in found] == [0x32] * len(messages)
    expected = [len(topic).to_bytes(2) + topic + b"\0\7" + body for topic, body in messages]
    assert [body for _, body in found] == expected


def test_the_longest_length_takes_four_bytes_and_a_fifth_is_an_error() -> None:
    # The values of table 2.4 in MQTT 3.1.1.
    assert encode_publish(b"", b"x" * (127 - 4), packet_id=1)[1:2] == b"\x7f"
    assert encode_publish(b"", b"x" * (128 - 4), packet_id=1)[1:3] == b"\x80\x01"
    assert encode_publish(b"", b"x" * (16_384 - 4), packet_id=1)[1:4] == b"\x80\x80\x01"
    with pytest.raises(ConnectionError):
        list(PacketReader().feed(b"\x30\xff\xff\xff\xff\x01"))


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile_ms([], 0.5) is None
    assert percentile_ms([n / 1000 for n in range(1, 101)], 0.99) == 100
    assert percentile_ms([n / 1000 for n in range(1, 102)], 0.5) == 51


async def drive(broker_url: str, prefix: str, *, answers: bool, load: Load) -> Account:
    """Send a load to a broker behind which one client answers for every report, or for none."""
    address = BrokerAddress.parse(broker_url)
    connection = Connection(
        address,
        client_id=f"answers-{uuid.uuid4().hex}",
        topics=(f"{prefix}/+/up/report",),
        on_change=lambda _ready, _text: None,
    )
    connection.open()
    stop = asyncio.Event()
    try:
        while not connection.is_ready:  # noqa: ASYNC110 - paho tells nobody
            await asyncio.sleep(0.01)
        manner = Manner(prefix=prefix, settle_s=20 if answers else 0.5)
        sending = asyncio.create_task(Sender(load, manner, address).run(stop))
        while not sending.done():
            await asyncio.sleep(0.005)
            while answers and not connection.inbox.empty():
                arrival = connection.inbox.get_nowait()
                report_id = arrival.payload.decode().split('"')[3]
                down = arrival.topic.replace("/up/report", "/down/receipt")
                connection.publish(down, b'{"ids": ["%s"]}' % report_id.encode())
        return sending.result()
    finally:
        connection.close()


LOAD = Load(
    vehicles=5,
    rate_per_s=200,
    reports=60,
    run="line",
    start_at=datetime(2026, 3, 1, tzinfo=UTC),
    shares=Shares(duplicates=0.1),
)


@pytest.mark.integration
async def test_units_let_go_what_is_receipted(broker_url: str, topic_prefix: str) -> None:
    books = await drive(broker_url, topic_prefix, answers=True, load=LOAD)
    assert (books.due, books.receipted, books.let_go, books.open) == (60, 60, 60, 0)
    assert books.sent == 60 + books.duplicates + books.resent
    assert len(books.latencies_s) == 60
    assert books.summary()["latency_ms_max"] is not None


@pytest.mark.integration
async def test_units_keep_what_only_the_broker_confirmed(
    broker_url: str, topic_prefix: str
) -> None:
    books = await drive(broker_url, topic_prefix, answers=False, load=LOAD)
    assert books.confirmed >= 60
    assert (books.receipted, books.let_go, books.open) == (0, 0, 60)

import time
from collections.abc import Callable

import pytest

from simulators.errors import SettingsError
from simulators.unit.mqtt import BrokerAddress, Connection


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://h", BrokerAddress("h", 1883)),
        ("mqtt://127.0.0.1:11", BrokerAddress("127.0.0.1", 11)),
        ("mqtts://h", BrokerAddress("h", 8883, is_tls=True)),
        ("mqtt://u:p%40@[::1]:9", BrokerAddress("::1", 9, user="u", password="p@")),  # noqa: S106
    ],
)
def test_an_address_is_read_from_its_url(url: str, address: BrokerAddress) -> None:
    assert BrokerAddress.parse(url) == address


@pytest.mark.parametrize(
    "url", ["", "h:1883", "http://h", "mqtt://", "mqtt://h:port", "mqtt://h:99999"]
)
def test_what_is_no_address_is_refused_with_its_form(url: str) -> None:
    with pytest.raises(SettingsError, match="mqtt://host:port"):
        BrokerAddress.parse(url)


def test_a_password_does_not_show() -> None:
    assert "secret" not in repr(BrokerAddress.parse("mqtt://user:secret@host"))


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def connection(url: str, name: str, *topics: str) -> tuple[Connection, list[tuple[bool, str]]]:
    changes: list[tuple[bool, str]] = []
    line = Connection(
        BrokerAddress.parse(url),
        client_id=name,
        topics=topics,
        on_change=lambda is_ready, text: changes.append((is_ready, text)),
    )
    return line, changes


@pytest.mark.integration
def test_what_one_line_publishes_arrives_at_the_other(broker_url: str) -> None:
    one, _ = connection(broker_url, "one", "rb/1/one/down/receipt")
    other, _ = connection(broker_url, "other", "rb/1/+/up/report")
    try:
        for line in (one, other):
            line.open()
        wait_until(lambda: one.is_ready and other.is_ready)
        assert one.publish("rb/1/one/up/report", b"{}")
        arrival = other.inbox.get(timeout=10)
        assert (arrival.topic, arrival.payload) == ("rb/1/one/up/report", b"{}")
    finally:
        one.close()
        other.close()


@pytest.mark.integration
def test_what_came_while_a_unit_was_away_waits_for_it(broker_url: str) -> None:
    unit, _ = connection(broker_url, "away", "rb/1/away/down/receipt")
    unit.open()
    wait_until(lambda: unit.is_ready)
    unit.close()
    assert not unit.is_ready
    gateway, _ = connection(broker_url, "gateway", "nothing")
    gateway.open()
    wait_until(lambda: gateway.is_ready)
    gateway.publish("rb/1/away/down/receipt", b'{"ids": []}')
    again, _ = connection(broker_url, "away", "rb/1/away/down/receipt")
    try:
        again.open()
        assert again.inbox.get(timeout=10).payload == b'{"ids": []}'
    finally:
        again.close()
        gateway.close()


@pytest.mark.integration
def test_a_broker_that_is_not_there_is_told_once() -> None:
    line, changes = connection("mqtt://127.0.0.1:1", "lonely", "nothing")
    line.open()
    wait_until(lambda: bool(changes))
    time.sleep(1.5)  # it has tried again by now
    line.close()
    assert changes == [(False, "unreachable")]
    assert not line.is_ready

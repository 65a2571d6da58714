import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbay.errors import UnreachableError
from rightbay.servers.mqtt_probe import check_broker, encode_connect


def test_a_connect_is_what_the_standard_says() -> None:
    packet = encode_connect("ab", user="u", password="pw")  # noqa: S106 - of nobody
    assert packet.hex(" ") == (
        "10 15"  # CONNECT, 21 bytes follow
        " 00 04 4d 51 54 54 04"  # MQTT, level 4
        " c2 00 0a"  # user, password, clean session; keep alive 10 s
        " 00 02 61 62"  # client id
        " 00 01 75 00 02 70 77"  # user, password
    )


@given(st.text(max_size=300))
def test_the_length_covers_exactly_what_follows(client_id: str) -> None:
    packet = encode_connect(client_id, user=None, password=None)
    length, shift, position = 0, 0, 1
    while True:
        digit = packet[position]
        length |= (digit & 0x7F) << shift
        shift, position = shift + 7, position + 1
        if digit < 0x80:
            break
    assert length == len(packet) - position


@pytest.mark.integration
async def test_a_real_broker_takes_our_connection(broker_url: str) -> None:
    await check_broker(broker_url)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "hung up"),
        (b"HTTP/1.1 400", "no MQTT broker"),
        (b"\x20\x02\x00\x05", "not authorised"),
        (b"\x20\x02\x00\x04", "user or password"),
    ],
)
async def test_what_is_no_broker_for_us_is_named(answer: bytes, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(UnreachableError, match=reason) as caught:
            await check_broker(f"mqtt://u:secret@127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
    assert "RIGHTBAY_BROKER_URL" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.integration
async def test_nobody_there_is_said_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UnreachableError, match="is it running"):
        await check_broker(f"mqtt://127.0.0.1:{port}")

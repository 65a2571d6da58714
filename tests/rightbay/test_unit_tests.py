"""The rule that unit tests open no network sockets is itself tested."""

import asyncio
import socket

import pytest


def test_a_unit_test_cannot_connect_nor_listen() -> None:
    with socket.socket() as opened:
        for attempt in (opened.connect, opened.connect_ex, opened.bind):
            with pytest.raises(RuntimeError, match="mark it as integration"):
                attempt(("127.0.0.1", 0))


async def test_a_unit_test_cannot_connect_through_asyncio_either() -> None:
    with pytest.raises(RuntimeError, match="mark it as integration"):
        await asyncio.open_connection("127.0.0.1", 9)


def test_pairs_of_sockets_within_the_process_stay_allowed() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"x")
        assert other.recv(1) == b"x"


@pytest.mark.integration
def test_a_marked_test_may_listen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert server.getsockname()[1] > 0

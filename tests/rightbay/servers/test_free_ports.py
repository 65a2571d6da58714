import socket
from collections.abc import Iterator

import pytest

from rightbay.errors import PortInUseError
from rightbay.servers.free_ports import choose_port

pytestmark = pytest.mark.integration
HOST = "127.0.0.1"


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def free() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def choose(*, wanted: int | None, usual: int, host: str = HOST) -> int:
    return choose_port(host, wanted=wanted, usual=usual, variable="RIGHTBAY_API_PORT")


def test_the_usual_port_is_taken_if_it_is_free(free: int) -> None:
    assert choose(wanted=None, usual=free) == free


def test_another_port_is_found_if_the_usual_one_is_in_use(taken: int) -> None:
    assert choose(wanted=None, usual=taken) not in {0, taken}


def test_a_named_port_is_taken_even_if_the_usual_one_is_free(free: int) -> None:
    assert choose(wanted=free, usual=1) == free


def test_a_named_port_in_use_is_refused_with_the_variable_to_change(taken: int) -> None:
    with pytest.raises(PortInUseError, match=f"port {taken} .* RIGHTBAY_API_PORT"):
        choose(wanted=taken, usual=0)


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(PortInUseError, match="RIGHTBAY_API_PORT"):
        choose(wanted=None, usual=0, host="192.0.2.1")


def test_an_unknown_host_is_refused() -> None:
    with pytest.raises(PortInUseError, match="RIGHTBAY_API_PORT"):
        choose(wanted=None, usual=0, host="no.such.host.invalid")

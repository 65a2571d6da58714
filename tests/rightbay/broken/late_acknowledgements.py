"""A gateway that dies at the worst moment, to show what the epoch of a connection is good for.

It holds its first batch until the broker has died, come back and delivered new messages; stores it,
and acknowledges it, late. The message ids of the batch now belong to the new messages. Then it dies
with these in its hands. With ``--without-epochs`` the late acknowledgements go out: the broker
forgets messages that nobody has stored. Started again, it is the real gateway.

    late_acknowledgements.py FOLDER [--without-epochs]

A file ``back`` in the folder says that the broker has it again, and a file ``sent`` tells it that
the new messages are on their way.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from gateway.model import DeadLetter, Report
from gateway.sources.mqtt import Message, MqttClient
from rightbay import roles
from rightbay.settings import load_settings
from storage.reports import PostgresReportStore

PASSED_S = 0.5  # after which what was sent has arrived

_store, _init = PostgresReportStore.store, MqttClient.__init__
_client: list[MqttClient] = []
_batches = 0


def remember(self: MqttClient, *arguments: object, **options: object) -> None:
    _init(self, *arguments, **options)  # type: ignore[arg-type] # handed through
    _client.append(self)


async def store_late(
    self: PostgresReportStore, reports: Sequence[Report], dead_letters: Sequence[DeadLetter]
) -> None:
    global _batches  # noqa: PLW0603 - one gateway, one life
    _batches += 1
    if _batches == 1:
        await until_the_broker_is_back(_client[0])
    else:
        await asyncio.sleep(PASSED_S)
        os.kill(os.getpid(), signal.SIGKILL)
    await _store(self, reports, dead_letters)


async def until_the_broker_is_back(client: MqttClient) -> None:
    epoch = client._epoch
    while client._epoch < epoch + 2:  # noqa: ASYNC110 - it was lost, and is there again
        await asyncio.sleep(0.01)
    await asyncio.sleep(PASSED_S)
    (folder / "back").touch()
    while not (folder / "sent").exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.01)
    await asyncio.sleep(PASSED_S)


def acknowledge_always(self: MqttClient, message: Message) -> bool:
    self._client.ack(message.mid, message.qos)
    return True


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    if not (folder / "back").exists():
        MqttClient.__init__ = remember  # type: ignore[method-assign] # to see its epoch
        PostgresReportStore.store = store_late  # type: ignore[method-assign] # that is the point
        if "--without-epochs" in sys.argv:
            MqttClient.acknowledge = acknowledge_always  # type: ignore[method-assign] # likewise
    asyncio.run(roles.run("gateway", load_settings(), stop=asyncio.Event()))

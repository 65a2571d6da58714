"""A unit that sends rubbish stops nobody: not the gateway, not the units beside it."""

import asyncio
import json
from uuid import uuid4

import pytest

from gateway.sources.mqtt import MqttClient
from rightbay.testing import Running

pytestmark = pytest.mark.integration

CUT_SHORT = {"frames": [[0, "7E8", "100A430443010328"]]}
RUBBISH = {
    "not_utf8": b"\xff\xfe\x00",
    "not_json": b"{",
    "schema": b'{"id": "s1"}',
    "truncated": json.dumps({"id": "t1", **CUT_SHORT}).encode(),
    "bad_frame": json.dumps({"id": "f1", "frames": [[0, "XYZ", "00"], [1, "7E8", "0"]]}).encode(),
    "bad_code": json.dumps({"id": "c1", "codes": ["P538F", "\x00"]}).encode(),
}


def good(event_id: str, code: str) -> bytes:
    return json.dumps({"id": event_id, "codes": [code], "pos": [9.5, 47.1]}).encode()


async def test_rubbish_is_kept_with_its_reason_and_holds_up_nobody(running: Running) -> None:
    bad, neighbour = f"bad-{uuid4().hex[:8]}", f"good-{uuid4().hex[:8]}"
    client = MqttClient(
        running.instance.broker_url,
        client_id=f"test-{uuid4().hex}",
        subscriptions=[f"rb/1/{unit}/down/receipt" for unit in (bad, neighbour)],
    )
    gateway = running.pid("gateway")
    async with client.running(), asyncio.timeout(20):
        for number, payload in enumerate(RUBBISH.values()):
            await client.deliver(f"rb/1/{bad}/up/report", payload)
            await client.deliver(f"rb/1/{neighbour}/up/report", good(f"g{number}", "P0128"))
        await client.deliver(f"rb/1/{bad}/up/report", good("last", "P0301"))
        receipted: set[str] = set()
        expected = {"s1", "t1", "f1", "c1", "last", *(f"g{n}" for n in range(len(RUBBISH)))}
        while not expected <= receipted:
            message = await client.receive()
            client.acknowledge(message)
            receipted |= set(json.loads(message.payload)["ids"])
    rows = await running.fetch(
        "select reason, raw from dead_letter where unit = $1 order by reason", bad
    )
    assert {row["reason"] for row in rows} == set(RUBBISH)
    assert all(row["raw"] for row in rows)
    stored = await running.fetch(
        "select count(*) as n from report join vehicle using (vehicle_id) where unit = $1",
        neighbour,
    )
    assert stored[0]["n"] == len(RUBBISH)
    assert running.pid("gateway") == gateway


async def test_a_topic_that_is_no_units_is_a_dead_letter(running: Running) -> None:
    client = MqttClient(running.instance.broker_url, client_id=f"test-{uuid4().hex}")
    topic = f"rb/1/{'x' * 200}/up/report"
    async with client.running(), asyncio.timeout(20):
        await client.deliver(topic, good("a", "P0128"))
        while not (  # noqa: ASYNC110 - a row tells nobody that it came
            rows := await running.fetch("select reason from dead_letter where topic = $1", topic)
        ):
            await asyncio.sleep(0.1)
    assert [row["reason"] for row in rows] == ["topic"]

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from rightbay.supervision.stopping import stop_event

pytestmark = pytest.mark.chaos

WAITER = """
import asyncio, sys
from rightbay.supervision.stopping import stop_event
async def main():
    async with stop_event(at_eof=True) as stop:
        print("waits", flush=True)
        await stop.wait()
        print("stops", flush=True)
asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_sets_the_event(number: signal.Signals) -> None:
    async with stop_event() as stop, asyncio.timeout(5):
        os.kill(os.getpid(), number)
        await stop.wait()


async def test_the_handlers_are_gone_at_the_end() -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with stop_event(at_parents_death=True):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


async def test_a_living_parent_stops_nothing() -> None:
    async with stop_event(at_parents_death=True) as stop:
        await asyncio.sleep(0.05)
        assert not stop.is_set()


def test_the_end_of_its_input_stops_a_process_and_nothing_before_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "waits\n"
        process.stdin.write("anything")
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        process.stdin.close()
        assert process.stdout.readline() == "stops\n"
        assert process.wait(5) == 0

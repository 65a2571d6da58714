"""When a process of ours is to stop: a signal, the end of its input, or the death of its parent."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

PARENT_POLL_S = 1.0

log = logging.getLogger("rightbay.supervision.stopping")


@asynccontextmanager
async def stop_event(
    *, at_eof: bool = False, at_parents_death: bool = False
) -> AsyncIterator[asyncio.Event]:
    """Give an event that is set when it is time to stop in good order.

    SIGINT and SIGTERM set it, and so does the terminal's end (SIGHUP), unless we were started to
    survive that (``nohup``), in which case the parent's death is survived too.

    Args:
        at_eof: Also when standard input ends, which is how a supervisor that died says so where the
            kernel does not.
        at_parents_death: Also when the process that started us ends.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    outlives = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    signals = [signal.SIGINT, signal.SIGTERM, *([] if outlives else [signal.SIGHUP])]

    def because(cause: str) -> Callable[[], None]:
        def stop_now() -> None:
            if not stop.is_set():
                log.info("stopping", extra={"cause": cause})
            stop.set()

        return stop_now

    async with contextlib.AsyncExitStack() as exits:
        for number in signals:
            loop.add_signal_handler(number, because(number.name))
            exits.callback(loop.remove_signal_handler, number)
        if at_eof:
            await _watch_input(because("end of input"), exits)
        if at_parents_death and not outlives:
            _watch_parent(because("death of the parent (nohup survives it)"), exits)
        yield stop


async def _watch_input(at_end: Callable[[], None], exits: contextlib.AsyncExitStack) -> None:
    class UntilEof(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            del exc
            at_end()

    transport, _ = await asyncio.get_running_loop().connect_read_pipe(UntilEof, sys.stdin)
    exits.callback(transport.close)


def _watch_parent(at_death: Callable[[], None], exits: contextlib.AsyncExitStack) -> None:
    parent = os.getppid()
    if not hasattr(os, "pidfd_open"):
        task = asyncio.create_task(_poll_parent(parent, at_death), name="watch the parent")
        exits.callback(task.cancel)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # It becomes readable when the process ends (pidfd_open(2)). None is a parent outside our
        # PID namespace, as in a container: number 0, whose end is our end anyway.
        if parent == 0:
            return
        descriptor = os.pidfd_open(parent)
        loop = asyncio.get_running_loop()

        def died() -> None:
            loop.remove_reader(descriptor)
            at_death()

        loop.add_reader(descriptor, died)
        exits.callback(os.close, descriptor)
        exits.callback(loop.remove_reader, descriptor)


async def _poll_parent(parent: int, at_death: Callable[[], None]) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - this system has no event for it
        await asyncio.sleep(PARENT_POLL_S)
    at_death()

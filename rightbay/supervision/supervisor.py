"""Keeps programs running: starts them in order, revives those that die, stops them in reverse.

start ─▶ prepare ─▶ spawn ─▶ ready ─▶ (it dies) ─▶ wait, longer each time ─▶ prepare …
             └── fails the first time: `start` raises and nothing of it is left
"""

import asyncio
import contextlib
import logging
import os
import random
import signal
from collections.abc import Callable
from typing import Self

from rightbay.errors import RightbayError, StartError
from rightbay.supervision.processes import ProcessId, identify
from rightbay.supervision.program import Child, Program, describe_exit, spawn
from rightbay.supervision.restarts import RestartPolicy

READY_POLL_S = 0.03

log = logging.getLogger("rightbay.supervision.supervisor")


class Supervisor:
    """Runs programs until it is stopped.

    Used as ``async with Supervisor() as supervisor``; the end of the block stops everything, also
    when it was left by an exception or a cancellation.
    """

    def __init__(
        self,
        *,
        policy: RestartPolicy | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare to run programs.

        Args:
            policy: When what died is started again.
            on_change: Called after every start, when :attr:`running` has changed.
        """
        self._policy = policy or RestartPolicy()
        self._on_change = on_change
        self._keepers: list[_Keeper] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def running(self) -> tuple[tuple[str, ProcessId], ...]:
        """Name and process of every program that lives, in the order of their start."""
        found = ((keeper.program.name, keeper.identity) for keeper in self._keepers)
        return tuple((name, identity) for name, identity in found if identity is not None)

    async def start(self, program: Program) -> None:
        """Start a program and return when it is ready; from then on it is kept alive.

        Raises:
            StartError: It ended or stayed silent; nothing of it is left.
        """
        keeper = _Keeper(program, self._policy, self._on_change)
        self._keepers.append(keeper)
        try:
            await keeper.begin()
        except BaseException:
            self._keepers.remove(keeper)
            await keeper.stop()
            raise

    async def stop(self) -> None:
        """Stop every program, the last one first; kill one that outstays its grace.

        Who cancels this has to wait all the same: half of a stop would leave processes behind.
        """
        task = asyncio.create_task(self._stop_all(), name="stop everything")
        is_cancelled = False
        while not task.done():
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError:
                is_cancelled = True
        if is_cancelled:
            raise asyncio.CancelledError
        task.result()

    async def _stop_all(self) -> None:
        while self._keepers:
            await self._keepers.pop().stop()


class _Keeper:
    """One program and its present process."""

    def __init__(
        self, program: Program, policy: RestartPolicy, on_change: Callable[[], None]
    ) -> None:
        self.program = program
        self.identity: ProcessId | None = None
        self._policy = policy
        self._on_change = on_change
        self._child: Child | None = None
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        await self._start()
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.program.name}")

    async def _start(self) -> None:
        """Start once and wait until ready; what was started may live on if this raises."""
        program = self.program
        try:
            if program.prepare is not None:
                await asyncio.to_thread(program.prepare)
            self._child = await spawn(program)
        except OSError as error:
            raise StartError(f"{program.name} could not be started: {error}") from error
        self.identity = identify(self._child.pid)
        self._on_change()
        await self._wait_until_ready(self._child)
        log.info("program_ready", extra={"program": program.name, "pid": self._child.pid})

    async def _wait_until_ready(self, child: Child) -> None:
        name, start_s = self.program.name, self.program.start_s
        ended = asyncio.create_task(child.process.wait(), name=f"end of {name}")
        ready = asyncio.create_task(self._ready(child), name=f"start of {name}")
        try:
            await asyncio.wait({ended, ready}, timeout=start_s, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                # Its last words may still be on their way through the pipe.
                await asyncio.sleep(READY_POLL_S)
                raise StartError(f"{name} did not start ({_obituary(child, ended.result())})")
            if not ready.done():
                raise StartError(
                    f"{name} was not ready after {start_s:g} s: {child.output.last_words}"
                )
            ready.result()
        finally:
            ended.cancel()
            ready.cancel()
            await asyncio.wait({ended, ready})

    async def _ready(self, child: Child) -> None:
        if self.program.says_ready:
            await child.output.ready.wait()
        if self.program.is_ready is not None:
            while not await self.program.is_ready(child.pid):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(READY_POLL_S)

    async def _keep(self) -> None:
        loop, deaths = asyncio.get_running_loop(), 0
        while True:
            born_s = loop.time()
            if self._child is not None:
                code = await self._child.process.wait()
                how = _obituary(self._child, code)
                await self._end()
                deaths = self._policy.deaths_after(deaths, life_s=loop.time() - born_s)
            else:
                deaths += 1
            delay_s = self._policy.delay_s(deaths, chance=random.random())  # noqa: S311 - spreads load
            log.warning(
                "program_died",
                extra={"program": self.program.name, "how": how, "restart_in_s": round(delay_s, 2)},
            )
            await asyncio.sleep(delay_s)
            try:
                await self._start()
            except RightbayError as error:
                how = str(error)
                await self._end()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._end()

    async def _end(self) -> None:
        """End the present process, if it lives, and forget it."""
        child, self._child, self.identity = self._child, None, None
        if child is None:
            return
        try:
            if child.process.returncode is None:
                await self._ask_to_end(child)
        finally:
            child.close()

    async def _ask_to_end(self, child: Child) -> None:
        child.close_stdin()
        with contextlib.suppress(ProcessLookupError):
            child.process.send_signal(self.program.stop_signal)
        try:
            async with asyncio.timeout(self.program.grace_s):
                await child.process.wait()
        except TimeoutError:
            log.warning(
                "program_killed",
                extra={"program": self.program.name, "grace_s": self.program.grace_s},
            )
            # Its number is not reaped yet, so the group is still its own; what it started goes too.
            os.killpg(child.pid, signal.SIGKILL)
            await child.process.wait()


def _obituary(child: Child, code: int) -> str:
    words = child.output.last_words
    return f"{describe_exit(code)}: {words}" if words else describe_exit(code)

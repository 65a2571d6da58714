"""A program as the supervisor sees it, and how it is started so that it cannot outlive us."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rightbay.output import Output, read_output
from rightbay.servers.identity import ServerUser
from rightbay.supervision import tether
from rightbay.supervision.readiness import READY


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, and how to know, stop and revive it.

    Attributes:
        name: In logs and in ``run.json``.
        argv: Program and arguments; the program is an absolute path.
        env: Its whole environment.
        cwd: Where it works; None for ours.
        user: As whom it runs; None for the user we are.
        stop_signal: What makes it end in good order; also sent by the kernel if we are killed.
        grace_s: How long it may take to end before it is killed.
        start_s: How long it may take to become ready.
        prepare: Called before every start, the first one and each after a death.
        is_ready: Asked with the process id until true; None: it is ready once it runs.
        says_ready: It prints a line when it does its work (see ``readiness``).
        log: Where its output is kept; None leaves stderr ours.
        stdin_eof_stops: It also ends when its standard input does: for systems whose kernel does
            not report a parent's death.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    user: ServerUser | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 10.0
    start_s: float = 30.0
    prepare: Callable[[], None] | None = None
    is_ready: Callable[[int], Awaitable[bool]] | None = None
    says_ready: bool = False
    log: Path | None = None
    stdin_eof_stops: bool = False


@dataclass(slots=True)
class Child:
    """A running program with the pipes that lead to it."""

    process: Process
    output: Output
    _transport: asyncio.BaseTransport
    _stdin: int | None

    @property
    def pid(self) -> int:
        """The program's own number: the tether became it."""
        return self.process.pid

    def close(self) -> None:
        """Let go of the pipes. What the child wrote but we did not read is lost."""
        self._transport.close()
        self.close_stdin()

    def close_stdin(self) -> None:
        """Let the child see the end of its input."""
        if self._stdin is not None:
            os.close(self._stdin)
            self._stdin = None


def tethered(program: Program) -> list[str]:
    """Give the command that runs the program tied to this process."""
    uid = str(program.user.uid) if program.user else "-"
    capabilities = ",".join(map(str, program.user.capabilities)) if program.user else ""
    launcher = (sys.executable, "-I", "-S", tether.__file__)
    ties = (str(os.getpid()), str(int(program.stop_signal)), uid, capabilities)
    return [*launcher, *ties, "--", *program.argv]


async def spawn(program: Program) -> Child:
    """Start a program; it is not said to be ready.

    It leads a process group of its own, so that Ctrl-C reaches us alone and we stop what depends
    on others before the others.

    Raises:
        OSError: It could not be started at all.
    """
    output = Output(program.log, ready_line=READY if program.says_ready else None)
    writer, transport = await read_output(output)
    child_stdin, our_stdin = os.pipe() if program.stdin_eof_stops else (DEVNULL, None)
    try:
        process = await asyncio.create_subprocess_exec(
            *tethered(program),
            env=dict(program.env),
            cwd=program.cwd,
            stdin=child_stdin,
            stdout=writer,
            stderr=writer if program.log else None,
            process_group=0,
        )
    except BaseException:
        transport.close()
        if our_stdin is not None:
            os.close(our_stdin)
        raise
    finally:
        os.close(writer)
        if child_stdin != DEVNULL:
            os.close(child_stdin)
    return Child(process, output, transport, our_stdin)


def describe_exit(code: int) -> str:
    """Say how a process ended, from its return code (negative: the signal that ended it)."""
    if code >= 0:
        return f"exit {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"

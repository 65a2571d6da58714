import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from rightbay.errors import StartError
from rightbay.supervision.processes import ProcessId, identify
from rightbay.supervision.program import Program, describe_exit
from rightbay.supervision.restarts import RestartPolicy
from rightbay.supervision.supervisor import Supervisor

pytestmark = pytest.mark.chaos

QUICK = RestartPolicy(first_s=0.02, max_s=0.05, stable_s=60)
PATIENCE_S = 10.0

# Each stand-in writes what happens to it into the file it is given.
OBEDIENT = """
import signal, sys, time
def note(text):
    with open(sys.argv[1], "a") as file: file.write(f"{sys.argv[2]} {text}\\n")
def stop(*_):
    note("stops"); sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note("starts"); print("ready", flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""
FAILING = "import sys; sys.exit('no luck today')"
SILENT = "import time; time.sleep(60)"
READER = "import sys; print('ready', flush=True); sys.stdin.read()"


def program(code: str, *arguments: object, name: str = "stand-in", **options: object) -> Program:
    argv = (sys.executable, "-I", "-S", "-c", code, *map(str, arguments))
    known: dict[str, object] = {"says_ready": True, **options}
    return Program(name=name, argv=argv, **known)  # type: ignore[arg-type]  # options of any type


async def eventually(claim: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            result = claim()
            if (await result) if isinstance(result, Awaitable) else result:
                return
            await asyncio.sleep(0.01)


def pids(supervisor: Supervisor) -> list[int]:
    return [process.pid for _, process in supervisor.running]


def is_gone(pid: int) -> bool:
    return identify(pid) is None


async def test_programs_stop_in_the_reverse_order_of_their_start(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    async with Supervisor() as supervisor:
        for name in ("one", "two"):
            await supervisor.start(program(OBEDIENT, diary, name, name=name))
        assert [name for name, _ in supervisor.running] == ["one", "two"]
    assert diary.read_text().splitlines() == ["one starts", "two starts", "two stops", "one stops"]


async def test_a_killed_program_is_started_again(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    notes: list[int] = []
    async with Supervisor(policy=QUICK, on_change=lambda: notes.append(1)) as supervisor:
        await supervisor.start(program(OBEDIENT, diary, "it"))
        (first,) = pids(supervisor)
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: pids(supervisor) not in ([first], []))
        await eventually(lambda: diary.read_text().count("starts") == 2)
        assert is_gone(first)
    assert len(notes) == 2


async def test_a_program_that_keeps_dying_is_tried_again_and_again(tmp_path: Path) -> None:
    counter = tmp_path / "count"
    code = "import sys; open(sys.argv[1], 'a').write('x'); print('ready', flush=True)"
    async with Supervisor(policy=QUICK) as supervisor:
        await supervisor.start(program(code, counter))
        await eventually(lambda: len(counter.read_text()) >= 4)


async def test_what_dies_before_it_is_ready_fails_the_start_with_its_last_words(
    tmp_path: Path,
) -> None:
    async with Supervisor() as supervisor:
        with pytest.raises(StartError, match=r"stand-in .*exit 1: no luck today"):
            await supervisor.start(program(FAILING, log=tmp_path / "log"))
        assert supervisor.running == ()


async def test_what_stays_silent_fails_the_start_and_is_ended() -> None:
    seen: list[ProcessId] = []

    async def never(pid: int) -> bool:
        found = identify(pid)
        if found:
            seen.append(found)
        return False

    async with Supervisor() as supervisor:
        with pytest.raises(StartError, match=r"not ready after 0\.2 s"):
            await supervisor.start(program(SILENT, start_s=0.2, says_ready=False, is_ready=never))
    assert is_gone(seen[0].pid)


async def test_a_program_that_does_not_exist_is_named() -> None:
    async with Supervisor() as supervisor:
        with pytest.raises(StartError, match=r"absent .*exit 126.*/no/such/program"):
            await supervisor.start(
                Program(
                    name="absent", argv=("/no/such/program",), says_ready=True, log=Path(os.devnull)
                )
            )


async def test_a_start_that_is_given_up_leaves_nothing_behind() -> None:
    seen: list[int] = []

    async def never(pid: int) -> bool:
        seen.append(pid)
        return False

    async with Supervisor() as supervisor:
        task = asyncio.create_task(
            supervisor.start(program(SILENT, says_ready=False, is_ready=never))
        )
        await eventually(lambda: bool(seen))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert is_gone(seen[0])


async def test_who_does_not_stop_is_killed_after_the_grace() -> None:
    async with Supervisor() as supervisor:
        await supervisor.start(program(STUBBORN, grace_s=0.1))
        (pid,) = pids(supervisor)
    assert is_gone(pid)


async def test_a_stop_cannot_be_cut_short() -> None:
    async with Supervisor() as supervisor:
        await supervisor.start(program(STUBBORN, grace_s=0.2))
        (pid,) = pids(supervisor)
        task = asyncio.create_task(supervisor.stop())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert is_gone(pid)


async def test_a_program_sees_the_end_of_its_input_at_the_stop() -> None:
    async with Supervisor() as supervisor:
        # The signal is one it does not notice, so only the end of its input can stop it.
        await supervisor.start(program(READER, stdin_eof_stops=True, stop_signal=signal.SIGWINCH))
        (pid,) = pids(supervisor)
        began_s = asyncio.get_running_loop().time()
    assert is_gone(pid)
    assert asyncio.get_running_loop().time() - began_s < 5


async def test_preparation_comes_before_every_start(tmp_path: Path) -> None:
    prepared: list[int] = []
    async with Supervisor(policy=QUICK) as supervisor:
        await supervisor.start(
            program(OBEDIENT, tmp_path / "diary", "it", prepare=lambda: prepared.append(1))
        )
        assert len(prepared) == 1
        os.kill(pids(supervisor)[0], signal.SIGKILL)
        await eventually(lambda: len(prepared) == 2)


@pytest.mark.parametrize(
    ("code", "text"),
    [(0, "exit 0"), (3, "exit 3"), (-9, "killed by SIGKILL"), (-99, "killed by signal 99")],
)
def test_an_exit_is_described(code: int, text: str) -> None:
    assert describe_exit(code) == text

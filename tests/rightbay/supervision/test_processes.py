import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rightbay.supervision.processes import (
    ProcessId,
    end,
    find_in_folder,
    identify,
    is_alive,
    may_be,
)

pytestmark = pytest.mark.chaos

STUBBORN = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
)
NAME = Path(os.path.realpath(sys.executable)).name


@pytest.fixture
def child(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [os.path.realpath(sys.executable), "-c", STUBBORN], stdout=subprocess.PIPE, cwd=tmp_path
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def identity(process: subprocess.Popen[bytes]) -> ProcessId:
    found = identify(process.pid)
    assert found is not None
    return found


def test_a_process_keeps_its_identity_while_it_lives(child: subprocess.Popen[bytes]) -> None:
    found = identity(child)
    time.sleep(0.02)
    assert is_alive(found)


def test_a_later_process_with_the_same_number_is_another_one(
    child: subprocess.Popen[bytes],
) -> None:
    assert not is_alive(ProcessId(child.pid, "earlier"))


def test_a_zombie_does_not_live(child: subprocess.Popen[bytes]) -> None:
    found = identity(child)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(found)


def test_who_ignores_the_request_to_end_is_killed_after_the_grace(
    child: subprocess.Popen[bytes],
) -> None:
    began_s = time.monotonic()
    end([identity(child)], stop_signal=signal.SIGTERM, grace_s=0.1)
    assert time.monotonic() - began_s >= 0.1
    assert child.wait() == -signal.SIGKILL


def test_a_stranger_with_a_known_number_is_left_alone(child: subprocess.Popen[bytes]) -> None:
    end([ProcessId(child.pid, "earlier")], stop_signal=signal.SIGKILL, grace_s=0)
    assert child.poll() is None


def test_a_process_is_found_by_its_name_and_its_folder(
    child: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    assert find_in_folder(NAME, tmp_path) == [identity(child)]
    assert find_in_folder(NAME, tmp_path.parent) == []
    assert find_in_folder("postgres", tmp_path) == []


def test_a_number_may_be_a_program_only_with_its_name_and_in_its_folder(
    child: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    assert may_be(child.pid, NAME, tmp_path)
    assert not may_be(child.pid, NAME, tmp_path.parent)
    assert not may_be(child.pid, "postgres", tmp_path)


def test_neither_a_zombie_nor_a_free_number_is_a_program(
    child: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not may_be(child.pid, NAME, tmp_path)
    assert not may_be(2**22 + 1, NAME, tmp_path)

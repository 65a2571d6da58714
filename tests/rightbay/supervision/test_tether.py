import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from rightbay.supervision import tether
from rightbay.supervision.processes import identify
from rightbay.supervision.tether import CAP_DAC_READ_SEARCH, FAILED

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(
        sys.platform != "linux", reason="the kernel here has no parent-death signal"
    ),
]

NOBODY = 65534
needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="NOT TESTED: changing the user needs root"
)

# Starts a long-lived child in the way it is told, prints its number, and waits to be killed.
PARENT = textwrap.dedent("""
    import os, subprocess, sys, time
    ties, program = sys.argv[1:5], sys.argv[5:]
    command = program if ties[0] == "loose" else [
        sys.executable, "-I", "-S", ties[0], str(os.getpid()), *ties[1:], "--", *program]
    child = subprocess.Popen(command, stdout=sys.stdout)
    time.sleep(60)
""")
CHILD = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"


def orphan_outlives_its_parent(launcher: str, uid: str = "-", capabilities: str = "") -> bool:
    """Kill a parent by force and see what becomes of its child."""
    child = (sys.executable, "-I", "-S", "-c", CHILD)
    ties = (launcher, str(int(signal.SIGTERM)), uid, capabilities)
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *ties, *child], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        found = identify(pid)
        parent.kill()
        parent.wait()
        deadline_s = time.monotonic() + 1
        while identify(pid) == found and time.monotonic() < deadline_s:
            time.sleep(0.01)
        outlives = identify(pid) == found
        if outlives:
            os.kill(pid, signal.SIGKILL)
        return outlives


def test_a_tethered_child_dies_with_its_killed_parent() -> None:
    assert not orphan_outlives_its_parent(tether.__file__)


def test_without_the_tether_it_would_live_on() -> None:
    assert orphan_outlives_its_parent("loose")


@needs_root
def test_the_tether_holds_after_a_change_of_user_with_a_capability() -> None:
    assert not orphan_outlives_its_parent(tether.__file__, str(NOBODY), str(CAP_DAC_READ_SEARCH))


def run(*program: str, parent: int | None = None, uid: str = "-", capabilities: str = "") -> str:
    result = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            tether.__file__,
            str(parent or os.getpid()),
            "15",
            uid,
            capabilities,
            "--",
            *program,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout if result.returncode == 0 else f"exit {result.returncode}: {result.stderr}"


def test_a_child_whose_parent_is_dead_already_does_not_begin() -> None:
    assert run("/bin/echo", "alive", parent=1) == f"exit {FAILED}: "


def test_a_program_that_cannot_run_is_named_in_one_line() -> None:
    assert run("/no/such").startswith(f"exit {FAILED}: cannot start /no/such: ")


@needs_root
def test_nothing_but_the_named_capability_is_left_of_root() -> None:
    status = run("/bin/cat", "/proc/self/status", uid=str(NOBODY), capabilities="2")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert facts["Uid"].split() == facts["Gid"].split() == [str(NOBODY)] * 4
    assert facts["Groups"].strip() == ""
    assert facts["NoNewPrivs"] == "1"
    assert int(facts["CapEff"], 16) == int(facts["CapPrm"], 16) == 1 << CAP_DAC_READ_SEARCH


@needs_root
def test_the_capability_passes_a_closed_folder_and_without_it_nothing_does(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("inside")
    tmp_path.chmod(0o700)
    path = str(tmp_path / "file")
    assert run("/bin/cat", path, uid=str(NOBODY), capabilities="2") == "inside"
    assert "Permission denied" in run("/bin/cat", path, uid=str(NOBODY))


@needs_root
def test_only_the_stronger_capability_runs_a_program_that_is_closed_to_others(
    short_folder: Path,
) -> None:
    program = short_folder / "cat"
    shutil.copy("/bin/cat", program)
    program.chmod(0o700)
    (short_folder / "file").write_text("inside")
    arguments = (str(program), str(short_folder / "file"))
    assert run(*arguments, uid=str(NOBODY), capabilities="1") == "inside"
    assert "Permission denied" in run(*arguments, uid=str(NOBODY), capabilities="2")

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulators.errors import SpoolError
from simulators.unit.spool import Spool

WRITER = """
import sys
from pathlib import Path
from simulators.unit.spool import Spool

spool = Spool(Path(sys.argv[1]))
for number in range(1, 100_000):
    spool.keep(f"report {number}", b"body %d" % number, seq=spool.next_seq())
    print(number, flush=True)
"""


def test_what_was_kept_survives_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "unit.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        told = [int(next(writer.stdout)) for _ in range(30)][-1]
        writer.send_signal(signal.SIGKILL)
        told += len(writer.stdout.read().split())
    with Spool(path) as spool:
        pending = spool.pending()
        assert len(pending) in (told, told + 1)  # the last one may not have been told any more
        assert pending[:told] == tuple(f"report {number}" for number in range(1, told + 1))
        assert spool.body(f"report {told}") == b"body %d" % told
        assert spool.next_seq() == len(pending) + 1


def test_a_receipt_lets_a_report_go_and_its_number_is_never_used_again(tmp_path: Path) -> None:
    path = tmp_path / "unit.sqlite"
    with Spool(path) as spool:
        assert spool.next_seq() == 1
        spool.keep("a", b"A", seq=1)
        spool.keep("b", b"B", seq=2)
        assert spool.forget(["b", "unknown", "b"]) == ("b",)
        assert spool.pending() == ("a",)
        assert spool.body("b") is None
        assert spool.forget(["a"]) == ("a",)
    with Spool(path) as spool:
        assert spool.pending() == ()
        assert spool.next_seq() == 3


def test_a_full_spool_lets_the_oldest_go_and_names_it(tmp_path: Path) -> None:
    with Spool(tmp_path / "unit.sqlite", reports_max=3) as spool:
        dropped = [spool.keep(str(seq), b"", seq=seq) for seq in range(1, 6)]
        assert dropped == [(), (), (), ("1",), ("2",)]
        assert spool.pending() == ("3", "4", "5")


@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough to be taken for one" * 9]
)
def test_a_file_of_somebody_else_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "unit.sqlite"
    path.write_bytes(content)
    with pytest.raises(SpoolError, match=r"unit\.sqlite.*name another folder"):
        Spool(path)
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SpoolError, match="nowhere"):
        Spool(tmp_path / "nowhere" / "unit.sqlite")

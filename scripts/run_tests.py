"""Run every test: those that share a machine well side by side, then those that kill things, alone.

Arguments go to pytest, so `-k isotp` picks tests in both passes. What was skipped stands in
`.make/tests*.xml`, which `no_needless_skips.py` reads.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Each worker has a PostgreSQL and brokers of its own; more of them than this only wait.
WORKERS_MAX = 4
PASSES = (
    ("tests.xml", ("-m", "not chaos and not load", "-n", "auto", "--dist", "loadfile")),
    ("tests-alone.xml", ("-m", "chaos and not load")),
)


def main() -> int:
    """Run both passes and return 1 if one of them failed or neither found a test."""
    codes = set()
    for report, options in PASSES:
        codes.add(
            subprocess.run(  # noqa: S603 - our own interpreter and options
                [
                    sys.executable,
                    *("-m", "pytest", f"--junitxml={ROOT / '.make' / report}"),
                    *(f"--maxprocesses={WORKERS_MAX}", *options, *sys.argv[1:]),
                ],
                cwd=ROOT,
                check=False,
            ).returncode
        )
    # A choice by name may leave one of the passes without a test, but not both.
    none = {int(pytest.ExitCode.NO_TESTS_COLLECTED)}
    return 0 if codes != none and codes <= {0, *none} else 1


if __name__ == "__main__":
    sys.exit(main())

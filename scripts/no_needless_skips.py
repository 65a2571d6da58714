"""Fail if a test was skipped that this machine could have run.

A skip is excused by what is really absent here, looked for again by this script, not by what the
test said.
"""

import importlib.util
import itertools
import os
import re
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parent.parent

_IS_ROOT = os.geteuid() == 0
# What a skip's reason may say, and whether it is true of this machine.
EXCUSES = (
    (r"shared|beside this checkout", not (ROOT.parent / "shared").is_dir()),
    (r"mosquitto", shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") is None),
    (r"chromium", shutil.which("chromium") is None),
    # An extra that nobody needs: its licence keeps it out of what is installed with us.
    (r"asammdf", importlib.util.find_spec("asammdf") is None),
    (r"needs root", not _IS_ROOT),
    (r"nohup", shutil.which("nohup") is None),
    (r"no git checkout", not (ROOT / ".git").exists()),
    (r"parent-death signal", sys.platform != "linux"),
)


def main() -> int:
    """Read JUnit reports; print the skips; return 1 if one of them was needless."""
    needless = 0
    trees = [ET.parse(path) for path in sys.argv[1:]]  # noqa: S314 - written by our own test run
    for case in itertools.chain.from_iterable(tree.iter("testcase") for tree in trees):
        for skipped in case.findall("skipped"):
            reason = skipped.get("message", "")
            excused = any(re.search(text, reason) and true for text, true in EXCUSES)
            needless += not excused
            print(f"{'excused' if excused else 'NEEDLESS'} skip: {case.get('name')}: {reason}")
    if needless:
        print(f"{needless} tests were skipped that could have run here", file=sys.stderr)
    return 1 if needless else 0


if __name__ == "__main__":
    sys.exit(main())

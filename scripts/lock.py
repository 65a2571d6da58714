"""Renew the lock files: exact versions with hashes, and no registry's address in them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMMON = [
    sys.executable,
    "-m",
    "uv",
    "pip",
    "compile",
    "pyproject.toml",
    "--quiet",
    "--universal",
    "--upgrade",
    "--python-version=3.12",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-annotate",
    "--custom-compile-command=make lock",
]


def main() -> None:
    """Write requirements/run.txt, then requirements/dev.txt on top of it."""
    # setuptools builds the editable install, offline and without isolation.
    _compile("run", "--group=build")
    _compile("dev", "--group=build", "--group=dev", "--constraints=requirements/run.txt")


def _compile(name: str, *arguments: str) -> None:
    command = [*COMMON, f"--output-file=requirements/{name}.txt", *arguments]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - our own words


if __name__ == "__main__":
    main()

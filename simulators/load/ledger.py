"""A file with one line for each report that its unit has let go."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from simulators.errors import SettingsError


@contextmanager
def ledger(path: Path | None) -> Iterator[Callable[[str, str], None]]:
    """Give a function that notes a unit and an id; the lines are whole when the block ends.

    Raises:
        SettingsError: If the file cannot be written.
    """
    if path is None:
        yield lambda _unit, _id: None
        return
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot write the account {path}: {error.strerror}") from error
    with file:
        yield lambda unit, report_id: print(json.dumps({"unit": unit, "id": report_id}), file=file)

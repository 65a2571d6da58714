"""Named SQL statements, read once from the ``.sql`` file beside their adapter.

A statement begins with a line ``-- name: the_name`` and ends where the next begins.
"""

import re
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


def load_statements(name: str) -> MappingProxyType[str, str]:
    """Load ``storage/sql/{name}.sql``.

    Returns:
        Statement name to its text, without the name line.

    Raises:
        ValueError: If a name stands twice, or text stands before the first name.
    """
    text = files("storage").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    return parse_statements(text, source=f"{name}.sql")


def parse_statements(text: str, *, source: str) -> MappingProxyType[str, str]:
    """Read statements of this form from a text; comments may stand before the first name.

    Raises:
        ValueError: As for `load_statements`; names the source.
    """
    preamble, *parts = _NAME.split(text)
    if any(line.strip() and not line.startswith("--") for line in preamble.splitlines()):
        raise ValueError(f"{source}: text before the first name")
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{source}: a name stands twice")
    return MappingProxyType(dict(zip(names, (body.strip() for body in bodies), strict=True)))

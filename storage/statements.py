"""Named SQL statements, read once from the ``.sql`` file beside their adapter.

A statement begins with a line ``-- name: the_name`` and ends where the next begins. What several
have in common stands before them as a part, which begins with ``-- part: the_part``: its text takes
the place of ``{the_part}`` in what follows.
"""

import re
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- (name|part): (\w+)\n", re.MULTILINE)


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
    preamble, *pieces = _NAME.split(text)
    if any(line.strip() and not line.startswith("--") for line in preamble.splitlines()):
        raise ValueError(f"{source}: text before the first name")
    parts: dict[str, str] = {}
    statements: dict[str, str] = {}
    for kind, name, piece in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        if name in parts or name in statements:
            raise ValueError(f"{source}: a name stands twice")
        body = piece.strip()
        for part, its_text in parts.items():
            body = body.replace(f"{{{part}}}", its_text)
        (parts if kind == "part" else statements)[name] = body
    return MappingProxyType(statements)

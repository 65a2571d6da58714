"""A small country for tests: a river, a one-way valley, a bridge closed to trucks, and an island.

north bank    1 ───── 2 ───── 3
                      ╎       │       ╎ no trucks
south bank    4 ───── 5 ───── 6            8 ── 9
              └──▶─── 7 ───▶──┘       ▶ one way
"""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

NODES = {
    1: (9.000, 47.010),  # north bank, west to east
    2: (9.050, 47.010),
    3: (9.100, 47.010),
    4: (9.000, 47.000),  # south bank
    5: (9.050, 47.000),
    6: (9.100, 47.000),
    7: (9.000, 46.980),  # the end of the valley
    8: (9.300, 47.000),  # an island
    9: (9.310, 47.000),
}
WAYS: Sequence[tuple[tuple[int, ...], dict[str, str]]] = (
    ((1, 2, 3), {"highway": "primary"}),
    ((4, 5, 6), {"highway": "primary"}),
    ((3, 6), {"highway": "primary", "bridge": "yes"}),
    ((2, 5), {"highway": "primary", "bridge": "yes", "hgv": "no"}),
    ((4, 7), {"highway": "primary", "oneway": "yes"}),  # into the valley
    ((7, 6), {"highway": "primary", "oneway": "yes"}),  # and out of it at the other end
    ((8, 9), {"highway": "primary"}),
)


type Ways = Sequence[tuple[tuple[int, ...], dict[str, str]]]


def write_osm(path: Path, ways: Ways = WAYS) -> Path:
    """Write the country, or one with other roads, in OpenStreetMap's XML."""
    lines = ['<osm version="0.6">']
    lines += [
        f'<node id="{number}" lon="{lon}" lat="{lat}" version="1"/>'
        for number, (lon, lat) in NODES.items()
    ]
    for number, (nodes, tags) in enumerate(ways, start=1):
        parts = [f'<nd ref="{node}"/>' for node in nodes]
        parts += [f'<tag k="{key}" v="{value}"/>' for key, value in tags.items()]
        lines.append(f'<way id="{number}" version="1">{"".join(parts)}</way>')
    path.write_text("\n".join([*lines, "</osm>"]), "utf-8")
    return path


START_S_MAX = 30


@contextmanager
def served(words: Sequence[str | Path], *, asked: str) -> Iterator[None]:
    """Run a server until the end of the block, which begins when it answers.

    Args:
        words: The program and its arguments.
        asked: An address of it; whatever it answers there will do.

    Raises:
        RuntimeError: If it ends first, or answers nothing for `START_S_MAX`.
    """
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, stdout=quiet, stderr=quiet) as server:  # noqa: S603 - of a test
        try:
            until_s = time.monotonic() + START_S_MAX
            while True:
                try:
                    httpx.get(asked)
                    break
                except httpx.TransportError:
                    if server.poll() is not None or time.monotonic() > until_s:
                        raise RuntimeError(f"{words[0]} does not answer") from None
                    time.sleep(0.05)
            yield
        finally:
            server.kill()

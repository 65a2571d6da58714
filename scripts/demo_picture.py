"""Draw the picture in the README anew: a real run of the demo, as it looks on a terminal."""

import asyncio
import re
from pathlib import Path

from rich.console import Console

from rightbay.demo.run import DemoSettings, run_demo
from rightbay.demo.view import TerminalView

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "demo.svg"
# The picture shall look the same offline: no font from somewhere else.
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


async def draw() -> None:
    """Run the demo for a few seconds and keep what it printed."""
    console = Console(record=True, width=100, force_terminal=False, color_system="truecolor")
    settings = DemoSettings(vehicles=4, seconds=8, seed=1)
    await run_demo(settings, TerminalView(console), stop=asyncio.Event())
    picture = FONT_FACE.sub("", console.export_svg(title="rightbay demo --vehicles 4 --seconds 8"))
    PICTURE.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(draw())

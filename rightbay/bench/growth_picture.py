"""Draws how the time for a case grows with the number of sites, as SVG by itself."""

import math
from collections.abc import Sequence

from rightbay.bench.matching import Result

WIDTH, HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 230, 30, 50
_COLOURS = ("#0b6e4f", "#1f5fa8", "#7a3e9d", "#b3541e", "#6b6b6b")


def draw_growth(results: Sequence[Result]) -> str:
    """Both axes are logarithmic: twice as high is ten times as long, wherever it starts.

    Args:
        results: At least two, with rising numbers of sites and the same contenders.
    """
    names = [row.name for row in results[0].rows]
    times_us = {
        name: [1e6 / row.per_s for result in results for row in result.rows if row.name == name]
        for name in names
    }
    low = math.floor(math.log10(min(min(times) for times in times_us.values())))
    high = math.ceil(math.log10(max(max(times) for times in times_us.values())))
    first, last = math.log10(results[0].sites), math.log10(results[-1].sites)

    def across(sites: int) -> float:
        return _LEFT + (math.log10(sites) - first) / (last - first) * (WIDTH - _LEFT - _RIGHT)

    def up(us: float) -> float:
        share = (math.log10(us) - low) / max(high - low, 1)
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="13">'
        ),
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="18">microseconds of processor time for a case</text>',
    ]
    for power in range(low, high + 1):
        y = up(10**power)
        parts += [
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#ddd"/>',
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10**power:,g}</text>',
        ]
    for result in results:
        x = across(result.sites)
        parts.append(
            f'<text x="{x:.1f}" y="{HEIGHT - 25}" text-anchor="middle">{result.sites:,}</text>'
        )
    parts.append(f'<text x="{_LEFT}" y="{HEIGHT - 6}">sites</text>')
    for number, (name, times) in enumerate(times_us.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(
            f"{across(result.sites):.1f},{up(us):.1f}"
            for result, us in zip(results, times, strict=True)
        )
        label = f"{name}: {times[-1] / times[0]:.1f} times"
        parts += [
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
            (
                f'<text x="{WIDTH - _RIGHT + 8}" y="{up(times[-1]) + 4:.1f}" fill="{colour}" '
                f'font-size="11">{label}</text>'
            ),
        ]
    return "\n".join([*parts, "</svg>", ""])

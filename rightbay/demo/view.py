"""How the demo looks: a card for each referral on a terminal, a JSON object in a pipe."""

import json
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rightbay.demo.run import ShownReferral, Summary, View

_COLOUR = {"stop_now": "red", "tow": "red", "limp": "dark_orange", "soon": "yellow"}
_ARRIVAL = {"drives": "drives there", "limps": "goes there slowly", "towed": "is towed there"}


class TerminalView(View):
    """Cards for people."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("starting") if console.is_terminal else None
        if self._status is not None:
            self._status.start()

    def close(self) -> None:
        """See `View`."""
        if self._status is not None:
            self._status.stop()

    def starting(self, text: str) -> None:
        """See `View`."""
        if self._status is not None:
            self._status.update(text)

    def ready(self, *, api_url: str, sites: int, vehicles: int) -> None:
        """See `View`."""
        self._console.print(
            f"[bold]{vehicles} vehicles[/] drive among [bold]{sites} repairers[/]; "
            f"their faults appear over time.\nEverything that was decided: {api_url}/docs "
            "(Ctrl-C ends)\n"
        )
        self.starting("waiting for faults")

    def referral(self, shown: ShownReferral) -> None:
        """See `View`."""
        self._console.print(card(shown))

    def done(self, summary: Summary) -> None:
        """See `View`."""
        self.close()
        self._console.print(summary_table(summary))


class JsonView(View):
    """One object per line for machines; the summary is the last one."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def referral(self, shown: ShownReferral) -> None:
        """See `View`."""
        latency_ms = None if shown.since_report_s is None else round(shown.since_report_s * 1000, 1)
        self._write({**shown.document, "unit": shown.unit, "latency_ms": latency_ms})

    def done(self, summary: Summary) -> None:
        """See `View`."""
        self._write({"summary": summary_json(summary)})

    def _write(self, value: dict[str, Any]) -> None:
        self._console.file.write(json.dumps(value, ensure_ascii=False) + "\n")
        self._console.file.flush()


def card(shown: ShownReferral) -> Panel:
    """One referral: what is wrong, what to do, where to go, why there and why not nearer."""
    document = shown.document
    urgency = document["urgency"]
    colour = _COLOUR.get(urgency, "cyan")
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    for fault in document["faults"]:
        rows.add_row("fault", Text.assemble((fault["code"], "bold"), f"  {fault['text']}"))
    rows.add_row("do", document["driver_action"])
    rows.add_row("takes", _need(document["need"]))
    for row in _choice(document):
        rows.add_row(*row)
    vehicle = document["vehicle"]
    kind = " ".join(str(vehicle[key]) for key in ("powertrain", "vehicle_class"))
    late = "" if shown.since_report_s is None else f"{shown.since_report_s * 1000:.0f} ms"
    return Panel(
        rows,
        title=Text.assemble((shown.unit, "bold"), f"  {kind}  ", (urgency, f"bold {colour}")),
        subtitle=Text(late, "dim"),
        title_align="left",
        subtitle_align="right",
        border_style=colour,
    )


def _choice(document: dict[str, Any]) -> list[tuple[str, str | Text]]:
    if not document["offers"]:
        return [("nobody", Text("\n".join(document["notices"]), "bold red"))]
    best = document["offers"][0]
    nearer = [site for site in document["excluded"] if site["distance_m"] < best["distance_m"]]
    # The first of the nearer ones has a line of its own.
    why = [text for text in best["why"] if not (nearer and text.startswith(nearer[0]["name"]))]
    place = (
        f"  {best['distance_m'] / 1000:.1f} km, {round(best['travel_s'] / 60)} min; "
        f"{_ARRIVAL[document['arrival']]}"
    )
    rows: list[tuple[str, str | Text]] = [
        ("go to", Text.assemble((best["name"], "bold green"), place)),
        ("why", "; ".join(why)),
    ]
    if nearer:
        site = nearer[0]
        more = f"  (and {len(nearer) - 1} more)" if len(nearer) > 1 else ""
        rows.append(
            ("not", f"{site['name']}, {site['distance_m'] / 1000:.1f} km: {site['why']}{more}")
        )
    return rows


def _need(need: dict[str, Any]) -> str:
    parts = [_expression(need["skills"]), *need.get("access", ()), *need.get("equipment", ())]
    return ", ".join(part for part in parts if part) or "no particular competence"


def _expression(value: Any) -> str:  # noqa: ANN401 - JSON, as deep as it comes
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        ((word, parts),) = value.items()
        joint = {"all": ", ", "any": " or "}.get(word)
        if joint is not None and isinstance(parts, list):
            inner = [_expression(part) for part in parts]
            return joint.join(
                f"({part})" if ", " in part or " or " in part else part for part in inner
            )
    return json.dumps(value)


def summary_table(summary: Summary) -> Table:
    """The counts and latencies at the end."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name, value in summary_json(summary).items():
        shown = "-" if value is None else f"{value:,.1f}" if isinstance(value, float) else value
        table.add_row(name.replace("_", " "), str(shown))
    return table


def summary_json(summary: Summary) -> dict[str, float | int | None]:
    """The counts and latencies, with their units last in the name."""
    counts = summary.counts

    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 1)

    return {
        "faults": counts.get("fault_set", 0),
        "reports": counts.get("report_sent", 0),
        "receipts": counts.get("receipt", 0),
        "resends": counts.get("resend", 0),
        "referrals": counts.get("referral", 0),
        "referrals_with_offers": summary.with_offers,
        "nearer_site_passed_over": summary.passed_over_nearer,
        "latency_p50_ms": rounded(summary.latency_ms(50)),
        "latency_p99_ms": rounded(summary.latency_ms(99)),
        "ready_s": rounded(summary.ready_s),
        "first_referral_s": rounded(summary.first_referral_s),
    }

"""`rightbay match --batch`: many cases at once, the capacity of sites shared over all of them."""

import json
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import typer

from dtc_db.codes import parse_code
from dtc_db.errors import MalformedCodeError
from dtc_db.knowledge import Knowledge
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind
from rightbay.commands.match_grounds import Grounds
from rightbay.errors import RecordingError
from routing.cases import ObservedFault, case_of
from routing.decision import Case
from routing.directory.snapshot import Directory
from routing.matching.batch import CASES_MAX, Comparison, plan, stated_capacity
from routing.matching.policy import THOUSAND
from routing.model import Position
from routing.principal import Principal

LINE_BYTES_MAX = 100_000
CODES_MAX = 50


class Share(StrEnum):
    """How places are given out."""

    ASSIGNED = "assigned"
    GREEDY = "greedy"


class BatchLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case of a batch; `pos` is longitude and latitude."""

    id: str
    codes: list[str]
    pos: tuple[float, float]
    vehicle_class: VehicleClass = VehicleClass.UNKNOWN
    powertrain: Powertrain = Powertrain.UNKNOWN
    make: str = ""


def run_batch(file: Path, grounds: Grounds, *, share: Share, capacity: int, days: int) -> None:
    """Plan the cases of a file; one line of JSON for each of them, then one about all of them.

    Args:
        file: One `BatchLine` on each line.
        grounds: What is decided on.
        share: How places are given out.
        capacity: Cases at a site that does not say how many it takes.
        days: Open days that there are.

    Raises:
        RecordingError: If a line cannot be read, or there are too many.
    """
    ids, cases = _read_cases(file, grounds.principal)
    comparison = plan(
        cases,
        grounds.directory,
        grounds.policy,
        decided_at=grounds.decided_at,
        capacity=stated_capacity(grounds.directory, days=days),
        default_capacity=capacity,
        progress=lambda done: _tell(done, len(cases)),
    )
    for line in _lines(ids, grounds.directory, comparison, share):
        typer.echo(json.dumps(line))


def _tell(done: int, of: int) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\r{done:,} of {of:,} cases searched", err=True, nl=done == of)


def _lines(
    ids: Sequence[str], directory: Directory, comparison: Comparison, share: Share
) -> Iterator[dict[str, Any]]:
    chosen = comparison.assigned if share is Share.ASSIGNED else comparison.greedy
    for name, row, alone in zip(ids, chosen.rows, comparison.alone.rows, strict=True):
        yield {
            "id": name,
            "site": None if row is None else directory.sites[row].site_id,
            "is_first_choice": row is not None and row == alone,
        }
    yield {
        "cases": len(ids),
        "could_be_served": comparison.alone.served,
        "served": chosen.served,
        "points": chosen.total / THOUSAND,
        "price_of_greed": round(comparison.price_of_greed, 4),
        "price_of_sharing": round(comparison.price_of_sharing, 4),
    }


def _read_cases(file: Path, principal: Principal | None) -> tuple[list[str], list[Case]]:
    knowledge = Knowledge.load()
    ids: list[str] = []
    cases: list[Case] = []
    with file.open("rb") as lines:
        while line := lines.readline(LINE_BYTES_MAX + 1):
            where = f"{file.name} line {len(ids) + 1}"
            if len(line) > LINE_BYTES_MAX or len(ids) == CASES_MAX:
                most = f"{CASES_MAX:,} cases of {LINE_BYTES_MAX:,} bytes"
                raise RecordingError(f"{where}: a batch holds at most {most}")
            try:
                asked = msgspec.json.decode(line, type=BatchLine)
                cases.append(_case(asked, knowledge, principal))
            except (msgspec.MsgspecError, ValueError, MalformedCodeError) as error:
                raise RecordingError(f"{where}: {error}") from error
            ids.append(asked.id)
    return ids, cases


def _case(asked: BatchLine, knowledge: Knowledge, principal: Principal | None) -> Case:
    if not 0 < len(asked.codes) <= CODES_MAX:
        raise ValueError(f"expected 1 to {CODES_MAX} codes")
    faults = [
        ObservedFault(code=parse_code(text), ecu="", status="confirmed") for text in asked.codes
    ]
    lon_deg, lat_deg = asked.pos
    return case_of(
        faults,
        case_id=asked.id,
        vehicle=VehicleKind(
            vehicle_class=asked.vehicle_class,
            powertrain=asked.powertrain,
            make=asked.make.lower() or None,
        ),
        is_registered=True,
        position=Position(lon_deg=lon_deg, lat_deg=lat_deg),
        knowledge=knowledge,
        principal=principal,
    )

"""The cases of the documentation are what the knowledge says."""

import re
from pathlib import Path

import pytest

from dtc_db.codes import parse_code
from dtc_db.knowledge import Knowledge
from dtc_db.need import format_expression
from dtc_db.vehicle import Powertrain, VehicleClass, VehicleKind

PAGE = Path(__file__).parents[2] / "docs" / "knowledge.md"
ROWS = [
    tuple(cell.strip() for cell in line.strip("|\n").split("|"))
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if re.match(r"\| ([PCBU][0-3][0-9A-F]{3}|SPN |0x)", line)
]
# What belongs to the cases that nobody may get wrong.
GRAVE = re.compile(r"hv\.|srs\.|adas\.|brakes|truck\.")


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return Knowledge.load()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]} {row[2]}")
def test_the_knowledge_says_what_a_master_technician_would(
    knowledge: Knowledge, row: tuple[str, ...]
) -> None:
    code, vehicle, signs, urgency, skills, _because = row
    vehicle_class, powertrain = vehicle.split()
    status, *lamps = signs.split()
    assessment = knowledge.assess(
        parse_code(code),
        VehicleKind(vehicle_class=VehicleClass(vehicle_class), powertrain=Powertrain(powertrain)),
        status=status,
        lamps=[(name, state) for name, _, state in (lamp.partition("=") for lamp in lamps)],
    )
    said = (assessment.urgency.value, format_expression(assessment.need.skills))
    assert said == (urgency, skills)


def test_the_table_has_enough_of_what_matters() -> None:
    assert len(ROWS) >= 60
    assert sum(bool(GRAVE.search(row[4])) for row in ROWS) >= 20
    assert sum("not as bad as it looks" in row[5] for row in ROWS) >= 10

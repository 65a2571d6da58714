"""Who works where and when comes in by number, or is refused by line, field and reason."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.errors import UnreadableFileError
from routing.imports.absences import ABSENCES_MAX, format_absences, parse_absences
from routing.imports.people import PeopleFile, read_people, with_presence
from routing.model import Absence, Person
from routing.testing import LIGHT, site

PAGE = Path(__file__).parents[3].joinpath("docs", "directory.md").read_text("utf-8")
HEADER = "site,person,employer,employed_from,employed_until,hours,absences"
GOOD = "g-1,2,north,2020-01-01,2027-01-31,Mo-We 08:00-12:00,2026-12-24/2027-01-02;2027-05-07"


def read(folder: Path, *rows: str, header: str = HEADER) -> PeopleFile:
    path = folder / "people.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return read_people(path, known_sites={"g-1"})


def test_people_come_in_with_what_is_known_of_them(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD, "g-1,3,,,,,")
    assert found.findings == ()
    assert found.people["g-1"] == {
        2: Person(
            number=2,
            employer="north",
            employed_from=date(2020, 1, 1),
            employed_until=date(2027, 1, 31),
            hours="Mo-We 08:00-12:00",
            absences=(
                Absence(date(2026, 12, 24), date(2027, 1, 2)),
                Absence(date(2027, 5, 7), date(2027, 5, 7)),
            ),
        ),
        3: Person(number=3),
    }


@pytest.mark.parametrize(
    ("row", "field", "told"),
    [
        (GOOD.replace("g-1", "g-9"), "site", "import the site first"),
        (GOOD.replace(",2,", ",Anna,"), "person", "never a name"),
        (GOOD.replace("2020-01-01", "1.1.2020"), "employed_from", "'1.1.2020'"),
        (GOOD.replace("2027-01-31", "2019-12-31"), "employed_until", "before employed_from"),
        (GOOD.replace("Mo-We", "Mo-Midweek"), "hours", "Mo-Midweek"),
        (GOOD.replace("2027-05-07", "May"), "absences", "'May'"),
        (GOOD.replace("2026-12-24/", "2027-12-24/"), "absences", "before it begins"),
        (GOOD.replace("2027-05-07", "2027-01-02"), "absences", "overlaps"),
        (GOOD + ",more", "row", "cells"),
    ],
)
def test_a_malformed_row_is_refused_by_field_and_reason(
    tmp_path: Path, row: str, field: str, told: str
) -> None:
    found = read(tmp_path, row)
    assert [(one.where, one.field) for one in found.findings] == [("line 2", field)]
    assert told in found.findings[0].reason


def test_the_example_of_the_page_imports_as_it_stands(tmp_path: Path) -> None:
    block = PAGE.split("```csv\nsite,person,employer")[1].partition("```")[0]
    path = tmp_path / "a.people.csv"
    path.write_text("site,person,employer" + block, encoding="utf-8")
    found = read_people(path)
    assert found.findings == ()
    assert {number: len(one.absences) for number, one in found.people["g-001"].items()} == {
        1: 2,
        2: 0,
    }


def test_nobody_stands_in_a_file_twice(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD, GOOD)
    assert [(one.where, one.field) for one in found.findings] == [("line 3", "person")]


def test_a_file_without_its_columns_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="no column 'person'"):
        read(tmp_path, header="site,hours")


def test_people_keep_their_titles_and_new_ones_have_none() -> None:
    stated = {"a": {1: Person(number=1, hours="24/7"), 4: Person(number=4)}}
    one, other = with_presence([site("a", [LIGHT], []), site("b", [LIGHT])], stated)
    assert one.people == (
        Person(number=1, hours="24/7", credentials=(LIGHT,)),
        Person(number=2),
        Person(number=4),
    )
    assert other == site("b", [LIGHT])


def test_absences_have_a_limit() -> None:
    days = [date.fromordinal(738_000 + 2 * number) for number in range(ABSENCES_MAX + 1)]
    assert len(parse_absences(";".join(map(str, days[1:])))) == ABSENCES_MAX
    with pytest.raises(ValueError, match="at most 100"):
        parse_absences(";".join(map(str, days)))


@given(st.lists(st.dates(), unique=True, max_size=8).map(sorted))
def test_absences_are_read_as_they_were_written(days: list[date]) -> None:
    pairs = zip(days[::2], days[1::2], strict=False)
    absences = tuple(Absence(first, last) for first, last in pairs)
    assert parse_absences(format_absences(absences)) == absences

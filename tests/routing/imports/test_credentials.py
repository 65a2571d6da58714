"""Titles come in with people by number; a file cannot claim what only a signature shows."""

from datetime import date
from pathlib import Path

import pytest

from routing.imports.credentials import CredentialFile, read_credentials, with_people
from routing.model import Credential, Evidence
from routing.testing import LIGHT, site

HEADER = "site,person,scheme,title,valid_from,valid_until,evidence"
GOOD = "g-1,2,de-dguv-209-093,2S,2025-01-01,2027-12-31,document_seen"


def read(folder: Path, *rows: str, header: str = HEADER) -> CredentialFile:
    path = folder / "credentials.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return read_credentials(path, known_sites={"g-1", "g-2"})


def test_people_are_gathered_by_site_and_number(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        GOOD,
        "g-1,1,trade,Kfz-Mechatroniker Nutzfahrzeugtechnik,2010-07-01,,declared",
        "g-1,2,trade,light vehicle technician,2010-07-01,,register_checked",
        "g-2,7,srs,P1,2024-02-29,2024-02-29,declared",
    )
    assert found.findings == ()
    assert {
        site_id: [(person.number, len(person.credentials)) for person in people]
        for site_id, people in found.people.items()
    } == {"g-1": [(1, 1), (2, 2)], "g-2": [(7, 1)]}
    assert found.people["g-1"][1].credentials[0] == Credential(
        scheme="de-dguv-209-093",
        title="2S",
        valid_from=date(2025, 1, 1),
        valid_until=date(2027, 12, 31),
        evidence=Evidence.DOCUMENT_SEEN,
    )


def test_a_revoked_title_is_kept_as_revoked(tmp_path: Path) -> None:
    found = read(
        tmp_path, GOOD + ",yes", GOOD.replace(",2,", ",3,") + ",", header=f"{HEADER},revoked"
    )
    assert [person.credentials[0].is_revoked for person in found.people["g-1"]] == [True, False]


@pytest.mark.parametrize(
    ("row", "field", "told"),
    [
        (GOOD.replace("g-1", "g-9"), "site", "import the site first"),
        (GOOD.replace(",2,", ",Anna,"), "person", "never a name"),
        (GOOD.replace(",2,", ",0,"), "person", "from 1"),
        (GOOD.replace(",2,", ",²,"), "person", "from 1"),
        (GOOD.replace("de-dguv-209-093", "dguv"), "scheme", "de-dguv-209-093"),
        (GOOD.replace("2S", "2SS"), "title", "it has 2S"),
        (GOOD.replace("2S", ""), "title", "it has S, 1S, 2S"),
        (GOOD.replace("2025-01-01", "1.1.2025"), "valid_from", "'1.1.2025'"),
        (GOOD.replace("2025-01-01", ""), "valid_from", "2026-11-23"),
        (GOOD.replace("2027-12-31", "2027-02-30"), "valid_until", "'2027-02-30'"),
        (GOOD.replace("2027-12-31", "2024-12-31"), "valid_until", "before valid_from 2025-01-01"),
        (
            GOOD.replace("document_seen", "verified"),
            "evidence",
            "declared, document_seen, register",
        ),
        (GOOD.replace("document_seen", ""), "evidence", "got ''"),
        (GOOD + ",2027,x", "row", "cells"),
    ],
)
def test_a_malformed_row_is_refused_by_field_and_reason(
    tmp_path: Path, row: str, field: str, told: str
) -> None:
    found = read(tmp_path, row)
    assert [(one.where, one.field) for one in found.findings] == [("line 2", field)]
    assert told in found.findings[0].reason


def test_revoked_is_yes_or_no(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD + ",perhaps", header=f"{HEADER},revoked")
    assert [(one.field, one.reason) for one in found.findings] == [
        ("revoked", "expected yes or no, got 'perhaps'")
    ]


def test_the_same_title_of_a_person_cannot_overlap_itself(tmp_path: Path) -> None:
    again = GOOD.replace("2025-01-01,2027-12-31", "2027-12-31,")
    found = read(tmp_path, GOOD, again, GOOD.replace(",2,", ",3,"))
    assert [(one.where, one.field) for one in found.findings] == [("line 3", "valid_from")]
    spelt = read(tmp_path, GOOD, again.replace(",2S,", ",fhv,"))
    assert [(one.where, one.field) for one in spelt.findings] == [("line 3", "valid_from")]
    renewed = GOOD.replace("2025-01-01,2027-12-31", "2028-01-01,")
    assert read(tmp_path, GOOD, renewed).findings == ()


def test_sites_that_no_row_names_keep_their_people(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    one, other = with_people([site("g-1", [LIGHT]), site("g-3", [LIGHT])], found.people)
    assert [person.number for person in one.people] == [2]
    assert [person.number for person in other.people] == [1]


WHOLE = f"{HEADER},revoked,suspended,employer,edition,scope"


def test_what_a_document_says_is_kept_as_it_says_it(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD + ",2026-05-01,yes,north,BGI 8686,trucks only", header=WHOLE)
    (credential,) = found.people["g-1"][0].credentials
    assert (credential.revoked_on, credential.is_revoked) == (date(2026, 5, 1), False)
    assert credential.is_suspended
    assert (credential.employer, credential.edition, credential.scope) == (
        "north",
        "BGI 8686",
        "trucks only",
    )


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ("2026-13-01,,,,", "revoked"),
        (",maybe,,,", "suspended"),
        (f",,{'x' * 501},,", "employer"),
        (",,,,a\x07b", "scope"),
    ],
)
def test_a_malformed_detail_is_refused(tmp_path: Path, cells: str, field: str) -> None:
    found = read(tmp_path, f"{GOOD},{cells}", header=WHOLE)
    assert [one.field for one in found.findings] == [field]

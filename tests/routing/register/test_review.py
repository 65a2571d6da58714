"""Who may be ruled on how: a table of what stands, what is ruled, and what is said against it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from routing.errors import NotNowError
from routing.imports.credentials import OPTIONAL, REQUIRED
from routing.imports.findings import FieldError
from routing.imports.site_fields import OPTIONAL as SITE_OPTIONAL
from routing.imports.site_fields import REQUIRED as SITE_REQUIRED
from routing.model import Evidence
from routing.register.forms import (
    CELL_LENGTH_MAX,
    FIELDS,
    cells,
    check_title_day,
    read_business,
    read_credential,
    read_person,
    read_signed,
    read_site,
)
from routing.register.model import Ground, Kind, Proposal, Ruling, State
from routing.register.review import REASON_LENGTH_MAX, check_ruling

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
ID = UUID(int=1)
YES, NO = Ruling(is_accepted=True), Ruling(is_accepted=False, reason="because")
OWNED = Ground(business=State.ACCEPTED, is_owned=True)
TITLE = {"scheme": "fr-nf-c-18-550", "title": "BCL", "valid_from": "2025-02-01", "site": "a"}


def proposal(kind: Kind = Kind.CREDENTIAL, state: State = State.PROPOSED, **more: str) -> Proposal:
    return Proposal(
        proposal_id=ID,
        business_id=ID,
        kind=kind,
        fields={"site": "a", **more},
        documents=("0" * 64,),
        state=state,
        proposed_at=NOW,
        private={"holder": "x"},
    )


def seen(evidence: Evidence) -> Ruling:
    return replace(YES, evidence=evidence)


ALLOWED = [
    (proposal(Kind.BUSINESS), YES, Ground(business=State.PROPOSED)),
    (proposal(Kind.BUSINESS), YES, Ground(business=State.REFUSED)),
    (proposal(Kind.SITE), YES, Ground(business=State.ACCEPTED)),
    (proposal(Kind.PERSON), replace(YES, about="holder"), OWNED),
    (proposal(), seen(Evidence.DECLARED), OWNED),
    (proposal(), seen(Evidence.DOCUMENT_SEEN), replace(OWNED, known=Evidence.DECLARED)),
    (proposal(), seen(Evidence.REGISTER_CHECKED), replace(OWNED, known=Evidence.REGISTER_CHECKED)),
    (proposal(), NO, Ground(business=State.PROPOSED)),
    (proposal(), replace(NO, about="site"), OWNED),
]
FORBIDDEN = [
    (proposal(state=State.REFUSED), seen(Evidence.DECLARED), OWNED, "refused already"),
    (proposal(state=State.WITHDRAWN), NO, OWNED, "withdrawn already"),
    (proposal(Kind.SIGNED_CREDENTIAL), NO, OWNED, "by its signature"),
    (proposal(), replace(NO, reason=" \n"), OWNED, "expected a reason"),
    (proposal(), replace(NO, reason="x" * (REASON_LENGTH_MAX + 1)), OWNED, "expected a reason"),
    (proposal(), replace(NO, about="title"), OWNED, "no field"),
    (proposal(Kind.SITE), YES, Ground(business=State.REFUSED), "business has to be accepted"),
    (proposal(Kind.SITE), YES, replace(OWNED, is_elsewhere=True), "another business"),
    (proposal(Kind.PERSON), YES, Ground(business=State.ACCEPTED), "site has to be accepted"),
    (proposal(Kind.SITE), seen(Evidence.DECLARED), OWNED, "only a credential"),
    (proposal(), YES, OWNED, "how the title is known"),
    (proposal(), seen(Evidence.VERIFIED), OWNED, "how the title is known"),
    (replace(proposal(), documents=()), seen(Evidence.DOCUMENT_SEEN), OWNED, "no document"),
    (proposal(), seen(Evidence.DECLARED), replace(OWNED, known=Evidence.VERIFIED), "known better"),
]


@pytest.mark.parametrize(("what", "ruling", "ground"), ALLOWED)
def test_what_may_be_ruled(what: Proposal, ruling: Ruling, ground: Ground) -> None:
    check_ruling(what, ruling, ground)


@pytest.mark.parametrize(("what", "ruling", "ground", "why"), FORBIDDEN)
def test_what_may_not_be_ruled(what: Proposal, ruling: Ruling, ground: Ground, why: str) -> None:
    with pytest.raises(NotNowError, match=why):
        check_ruling(what, ruling, ground)


def test_a_business_may_say_what_a_file_may_but_not_how_well_it_is_known() -> None:
    assert set(FIELDS[Kind.SITE]) == {*SITE_REQUIRED, *SITE_OPTIONAL}
    said = {*REQUIRED, *OPTIONAL} - {"evidence", "revoked", "suspended"}
    assert set(FIELDS[Kind.CREDENTIAL]) == said


@pytest.mark.parametrize(
    ("value", "cell"),
    [("  x ", "x"), (1, "1"), (2.5, "2.5"), (["a", "b"], "a;b"), (True, "yes"), (False, "no")],
)
def test_json_becomes_the_cell_of_a_file(value: object, cell: str) -> None:
    assert cells({"name": value, "country": ""}, FIELDS[Kind.SITE]) == {"name": cell}


@pytest.mark.parametrize("value", [{}, [1], "a\nb", "\x00", "x" * (CELL_LENGTH_MAX + 1)])
def test_what_no_cell_could_hold_is_refused(value: object) -> None:
    with pytest.raises(FieldError, match="name"):
        cells({"name": value}, FIELDS[Kind.SITE])


def test_each_form_names_the_field_that_is_wrong() -> None:
    for read, record, field in (
        (read_business, {"name": "x", "country": "FR", "contact": "x"}, "contact"),
        (read_person, {"site": "a", "person": "1", "holder": "a b"}, "holder"),
        (read_person, {"site": "a b", "person": "1"}, "site"),
        (read_signed, {"site": "a", "person": "1"}, "token"),
        (read_credential, {**TITLE, "person": "x"}, "person"),
        (
            read_site,
            {"site": "a", "name": "x", "lon": "0", "lat": "0", "country": "FR"}
            | {"service_area": "POLYGON ((0 0, 1 0, 1 1))"},
            "service_area",
        ),
    ):
        with pytest.raises(FieldError) as caught:
            read(record)
        assert caught.value.field == field


def test_the_same_title_from_the_same_day_may_be_said_again_and_no_other_overlap() -> None:
    record = {**TITLE, "person": "1"}
    first = read_credential(record).credential
    assert first.evidence is Evidence.DECLARED
    again = read_credential({**record, "valid_until": "2028-01-31"}, [first])
    assert again.credential.valid_until == date(2028, 1, 31)
    with pytest.raises(FieldError, match="overlaps"):
        read_credential({**record, "valid_from": "2026-01-01"}, [first])


def test_a_title_that_is_over_is_taken_for_a_mistake() -> None:
    held = read_credential({**TITLE, "person": "1", "valid_until": "2026-11-25"})
    check_title_day(held, today=date(2026, 11, 25))
    with pytest.raises(FieldError, match="is over"):
        check_title_day(held, today=date(2026, 11, 26))

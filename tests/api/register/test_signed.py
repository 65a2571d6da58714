"""A signed credential is verified at once, for the person that a reviewer knows it speaks of.

The badges were signed by openbadgeslib: see tests/routing/credentials/badges.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.register.trust import load_trust
from api.testing import Party, new_business, new_reviewer, new_site, rule
from routing.errors import DataFileError
from storage.pool import Pool

pytestmark = pytest.mark.integration

BADGES = Path(__file__).parents[2] / "routing" / "credentials" / "badges"
HOLDER = "did:example:holder-7"


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    return copytree(BADGES, tmp_path / "trust")


@pytest.fixture
async def client(pool: Pool, trust: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(pool, trust=trust))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


def badge(name: str) -> str:
    return (BADGES / f"{name}.jwt").read_text().strip()


async def evidence_of(business: Party) -> list[str]:
    detail = (await business.get())["detail"]
    return [title["evidence"] for person in detail[0]["people"] for title in person["titles"]]


async def test_a_signature_decides_for_the_person_that_it_speaks_of(
    client: httpx.AsyncClient, pool: Pool, trust: Path
) -> None:
    reviewer, business = await new_reviewer(client, pool), await new_business(client)
    about: dict[str, Any] = {"site": await new_site(reviewer, business, country="DE"), "person": 1}
    show = {"kind": "signed_credential", "fields": {**about, "token": badge("EdDSA")}}
    # Nobody said yet whose it is: a badge may be anybody's.
    early = await business.send("POST", "/proposals", json=show)
    assert (early.status_code, "holder" in early.text) == (409, True)
    person = await business.propose("person", **about, holder=HOLDER)
    assert HOLDER not in str(person)
    await rule(reviewer, person)
    for name, state, refusal in (
        ("revoked", "refused", "revoked"),
        ("list", "refused", "not_a_credential"),
        ("EdDSA", "accepted", None),
    ):
        made = await business.propose("signed_credential", **about, token=badge(name))
        assert made["state"] == state
        assert (made.get("reason") or "").partition(":")[0] == (refusal or "")
        assert badge(name)[-20:] not in str(made)
    assert await evidence_of(business) == ["verified"]
    forged = badge("EdDSA")[:-4] + "AAAA"
    made = await business.propose("signed_credential", **about, token=forged)
    assert made["reason"].startswith("bad_signature")
    history = str(await business.get("/history"))
    assert HOLDER not in history
    assert "school.example" in history
    assert made["state"] == "refused"
    # Whom the operator trusts no longer, nobody believes from the next request on.
    (trust / "trust.json").write_text('{"issuers": []}')
    made = await business.propose("signed_credential", **about, token=badge("EdDSA"))
    assert made["reason"].startswith("unknown_issuer")


async def test_a_badge_of_somebody_else_and_a_holder_twice_are_refused(
    client: httpx.AsyncClient, pool: Pool
) -> None:
    reviewer, business = await new_reviewer(client, pool), await new_business(client)
    site_id = await new_site(reviewer, business, country="DE")
    holders = (("did:example:other", 200), (HOLDER, 200), (HOLDER, 409))
    for number, (holder, status) in enumerate(holders, start=1):
        person = await business.propose("person", site=site_id, person=number, holder=holder)
        assert (await rule(reviewer, person)).status_code == status
    made = await business.propose("signed_credential", site=site_id, person=1, token=badge("ES256"))
    assert made["reason"].startswith("wrong_holder")
    assert await evidence_of(business) == []


async def test_a_trust_list_by_half_is_none(trust: Path) -> None:
    assert len(load_trust(trust).lists.tokens) > 0
    (trust / "trust.json").write_text('{"issuers": [{}]}')
    with pytest.raises(DataFileError):
        load_trust(trust)

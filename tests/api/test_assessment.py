"""Over HTTP: what a site could take, and where nobody holds a skill."""

import httpx
import pytest

from routing.testing import LIGHT, held, site
from storage.directory import PostgresDirectoryStore
from storage.pool import Pool

pytestmark = pytest.mark.integration

MAP = {"skill": "hv.isolate", "bbox": "1.35,48.35,3.35,49.35"}


@pytest.fixture
async def directory(pool: Pool) -> None:
    able = site("a", [held("fr-nf-c-18-550", "BCL")])
    await PostgresDirectoryStore(pool).import_sites([able, site("b", [LIGHT])], source="test")


@pytest.mark.usefixtures("directory")
async def test_a_site_is_told_what_occurred_near_it(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/v1/sites/b/assessment", params={"lang": "fr"})).json()
    assert (answer["site"], answer["total"], answer["days"]) == ("b", 0, 90)
    assert answer["text"] == ["Aucun cas dans votre rayon en 90 jours."]
    unknown = await client.get("/v1/sites/c/assessment")
    assert (unknown.status_code, unknown.json()["status"]) == (404, 404)


@pytest.mark.usefixtures("directory")
async def test_a_map_comes_as_data_and_as_a_picture(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/coverage", params=MAP)
    assert answer.headers["content-type"] == "application/geo+json"
    bands = {feature["properties"]["band"] for feature in answer.json()["features"]}
    assert bands == {0, 1, 2}
    nobody = await client.get("/v1/coverage", params=MAP | {"skill": "hv.live"})
    bands = {feature["properties"]["band"] for feature in nobody.json()["features"]}
    assert bands == {2}
    picture = await client.get("/v1/coverage", params=MAP | {"as": "svg", "lang": "de"})
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert picture.text.startswith("<svg ")


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"skill": "magic"}, "skill"),
        ({"bbox": "1,2,3"}, "bbox"),
        ({"bbox": "1,49,2,48"}, "bbox"),
        ({"minutes": "0"}, "minutes"),
        ({"as": "png"}, "as"),
    ],
)
async def test_a_map_of_nothing_is_refused_by_field(
    client: httpx.AsyncClient, changes: dict[str, str], field: str
) -> None:
    answer = await client.get("/v1/coverage", params=MAP | changes)
    assert answer.status_code == 422
    assert field in answer.text

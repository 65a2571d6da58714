import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from api.app import create_app
from api.problems import PAGES

if TYPE_CHECKING:
    from storage.pool import Pool


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    # None of these pages asks the database.
    transport = httpx.ASGITransport(create_app(cast("Pool", None)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


def other_hosts(text: str) -> list[str]:
    """Addresses that a browser would fetch from a page or a script of ours."""
    return re.findall(r"""(?:https?:)?//[\w.-]+\.\w+""", text)


async def test_the_interface_page_is_made_of_our_own_files(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(linked) == 4
    for path in linked:
        assert (await client.get(path)).status_code == 200, path
    start = await client.get("/docs/start.js")
    assert other_hosts(page.text + start.text) == []
    (described,) = re.findall(r'url: "([^"]+)"', start.text)
    assert (await client.get(described)).json()["info"]["title"] == "Rightbay"


async def test_the_browser_is_told_to_fetch_from_nowhere_else(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/docs")).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert other_hosts(policy) == []
    assert "*" not in policy


def test_the_search_for_other_hosts_finds_the_usual_page() -> None:
    from fastapi.openapi.docs import get_swagger_ui_html  # noqa: PLC0415 - only this control needs it

    page = get_swagger_ui_html(openapi_url="/x", title="x").body
    assert other_hosts(bytes(page).decode())


@pytest.mark.parametrize("name", PAGES)
async def test_every_kind_of_problem_has_its_page(client: httpx.AsyncClient, name: str) -> None:
    response = await client.get(f"/problems/{name}")
    assert response.status_code == 200
    assert PAGES[name].advice in response.text


async def test_an_unknown_kind_of_problem_has_no_page(client: httpx.AsyncClient) -> None:
    assert (await client.get("/problems/nothing")).status_code == 404


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, dict | list):
            yield from nodes(child)


async def test_the_description_is_true_as_openapi_3_0_and_as_3_1(
    client: httpx.AsyncClient,
) -> None:
    document = (await client.get("/v1/openapi.json")).json()
    assert document["openapi"] == "3.0.3"
    for node in nodes(document):
        assert node.get("type") != "null", node
        assert not isinstance(node.get("type"), list), node
        assert not {"const", "prefixItems", "exclusiveMinimum", "exclusiveMaximum"} & set(node)
        assert node.get("default", 0) is not None, node


async def test_the_description_names_the_one_shape_of_errors(client: httpx.AsyncClient) -> None:
    document = (await client.get("/v1/openapi.json")).json()
    assert "HTTPValidationError" not in json.dumps(document)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            is_read = method == "get" or path == "/v1/match"
            # Whoever changes anything shows a key; anybody may register (decision 0010).
            assert is_read or "401" in operation["responses"] or path == "/v1/businesses", path
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], path


async def test_the_documentation_names_every_route_and_every_kind_of_problem(
    client: httpx.AsyncClient,
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "http.md").read_text("utf-8")
    for path in (await client.get("/v1/openapi.json")).json()["paths"]:
        assert f"`{path}" in text, path
    for name, kind in PAGES.items():
        assert re.search(rf"`/problems/{name}` \| ({kind.status}|4xx) \|", text), name

"""The HTTP application: routes, errors and the page about them, put together."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from api import access, assessment, match, outcomes, pages, problems, schemas
from api.errors import NotReadyError
from api.limits import BodyLimit
from api.register import businesses, documents, measures, presence, proposals, reminders
from api.routes import Database, router
from routing.ports import TravelTimes
from storage.pool import Pool
from storage.views import fetch_readiness

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_EVERYWHERE: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.Problem} for status in (413, 421, 422, 503)
}


def create_app(
    pool: Pool,
    *,
    hosts: Collection[str] = LOOPBACK,
    travel: TravelTimes | None = None,
    trust: Path | None = None,
) -> FastAPI:
    """Build the application.

    Args:
        pool: Stays the caller's; it must be open for as long as requests are served.
        hosts: Names under which the routes below ``/v1`` answer.
        travel: An engine that knows roads; None for straight lines.
        trust: Folder that says whose signatures on credentials count; None trusts nobody.
    """
    app = FastAPI(
        title="Rightbay",
        version="1",
        description="What was decided, for whom it may concern. Errors: RFC 9457, one shape.",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=_EVERYWHERE,
    )
    # The page is drawn by a version of Swagger UI that reads OpenAPI 3.0. The schemas stay within
    # what 3.0 and 3.1 share (a test holds them to it), so the document is true under both names.
    app.openapi_version = "3.0.3"
    app.state.pool = pool
    app.state.travel = travel
    app.state.hosts = frozenset(hosts)
    app.state.trust = trust
    app.include_router(router)
    app.include_router(match.router)
    app.include_router(assessment.router)
    app.include_router(outcomes.router)
    for each in (access, businesses, proposals, documents, presence, reminders, measures):
        app.include_router(each.router)
    app.add_api_route("/healthz", get_health, tags=["operation"], responses={})
    app.add_api_route(
        "/readyz", get_readiness, tags=["operation"], response_model_exclude_none=True
    )
    app.add_middleware(BodyLimit)
    pages.install(app)
    problems.install(app)
    _describe_truly(app)
    return app


async def get_health() -> schemas.Health:
    """The process lives; says nothing about what it depends on."""
    return schemas.Health()


async def get_readiness(pool: Database) -> schemas.Readiness:
    """The database answers, its schema is current; and how old the oldest unfinished work is."""
    readiness = await fetch_readiness(pool)
    if not readiness.is_current:
        raise NotReadyError("the schema is not current; run `rightbay migrate`")
    return schemas.Readiness.of(readiness)


def _describe_truly(app: FastAPI) -> None:
    """Let the description say of parameters and errors what is really taken and sent."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        document = describe()
        for path in document["paths"].values():
            for operation in path.values():
                for parameter in operation.get("parameters", ()):
                    schemas.without_null(parameter["schema"])
                for status, response in operation["responses"].items():
                    content = response.get("content", {})
                    if int(status) >= 400 and "application/json" in content:
                        content[problems.MEDIA_TYPE] = content.pop("application/json")
        return document

    app.openapi = described  # type: ignore[method-assign] # FastAPI's documented way to extend it

"""The page that explains the HTTP interface, made of files that we serve ourselves.

It works without a network: nothing on it names another host, and the policy that is sent with it
lets the browser fetch from nowhere else.
"""

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

from api.errors import NotFoundError
from api.problems import PAGES

POLICY = (
    "default-src 'none'; connect-src 'self'; script-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Rightbay: HTTP interface</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" href="/docs/assets/favicon-32x32.png">
</head>
<body>
<div id="interface"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
# Without a validator: the page would else show everybody's interface to a service on the internet.
_START = """SwaggerUIBundle({
  url: "/v1/openapi.json",
  dom_id: "#interface",
  deepLinking: true,
  validatorUrl: null,
});
"""


def install(app: FastAPI) -> None:
    """Serve the page at ``/docs``, and an explanation of every kind of problem."""
    app.mount("/docs/assets", StaticFiles(directory=swagger_ui_path), name="docs-assets")

    @app.get("/docs", include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(_PAGE, headers={"Content-Security-Policy": POLICY})

    @app.get("/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(_START, media_type="text/javascript")

    @app.get("/problems/{name}", include_in_schema=False)
    async def problem(name: str) -> Response:
        if (kind := PAGES.get(name)) is None:
            raise NotFoundError("there is no such kind of problem")
        return PlainTextResponse(f"{kind.title}\n\n{kind.advice}\n")

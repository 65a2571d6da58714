"""Bodies have a greatest size: what is larger is refused before it is read to its end."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import TOO_LARGE, answer

BODY_BYTES_MAX = 64 * 1024
DOCUMENT_BYTES_MAX = 5 * 1024 * 1024
DOCUMENTS = "/documents"  # how the path of those that take a file ends


class BodyLimit:
    """Counts the bytes of each request's body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is small enough.

        Raises:
            HTTPException: To whoever reads a body of unannounced length beyond the limit.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = DOCUMENT_BYTES_MAX if scope["path"].endswith(DOCUMENTS) else BODY_BYTES_MAX
        detail = f"expected at most {limit} bytes"
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > limit:
            await answer(TOO_LARGE, detail)(scope, receive, send)
            return
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > limit:
                # The framework hands this one on; of any other it says 400.
                raise HTTPException(TOO_LARGE.status)
            return message

        await self._app(scope, counted, send)

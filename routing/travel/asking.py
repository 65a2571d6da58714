"""Asks a server that knows roads, over HTTP, and leaves it alone for a while when it fails.

    asked ──fails──▶ paused for PAUSE_S ──▶ asked again

Decisions do not wait for a dead server one by one, and whatever it sends instead of an answer is no
answer: the list is made by straight lines then, and says so.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

import httpx
import msgspec

from dtc_db.vehicle import VehicleClass
from routing.errors import RoadsError
from routing.model import Position, Site
from routing.travel.model import Measured, Setback

TIMEOUT_S = 1.0  # of one question, as a whole
PAUSE_S = 30.0
ANSWER_BYTES_MAX = 1_000_000
_TOO_MANY_REQUESTS = 429

log = logging.getLogger("rightbay.roads")


class RoadServer(ABC):
    """An engine elsewhere, under one address.

    Attributes:
        engine: Its name in `Measured`.
    """

    engine: str

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = TIMEOUT_S,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember the address; nothing is reached yet."""
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._now_s = now_s
        self._paused_until_s = self._deadline_s = float("-inf")
        self._lock = threading.Lock()
        self._client = httpx.Client(timeout=timeout_s, follow_redirects=False, trust_env=False)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def measure(
        self, origin: Position, sites: Sequence[Site], *, vehicle_class: VehicleClass
    ) -> Measured:
        """Answer as `routing.ports.TravelTimes` does."""
        with self._lock:
            if self._now_s() < self._paused_until_s:
                return Measured(engine=self.engine, roads="", setback=Setback.PAUSED)
            self._deadline_s = self._now_s() + self._timeout_s
            try:
                return self._ask(origin, sites, vehicle_class)
            except RoadsError as error:
                log.warning("roads_failed", extra={"reason": str(error)})
                return Measured(engine=self.engine, roads="", setback=Setback.NO_ANSWER)

    @abstractmethod
    def _ask(
        self, origin: Position, sites: Sequence[Site], vehicle_class: VehicleClass
    ) -> Measured:
        """Ask, by `_fetch`.

        Raises:
            RoadsError: If there is no answer that can be used.
        """

    def _fetch[Answer](
        self,
        path: str,
        form: type[Answer],
        *,
        words: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """The answer to one request, of the form given; with a body it is a POST.

        Raises:
            RoadsError: If there is none.
        """
        status, content = self._exchange(self._url + path, words, body)
        if status != httpx.codes.OK:
            # It answers, but not this question: the next one may fare better.
            raise RoadsError(f"the server answers with status {status}")
        try:
            return msgspec.json.decode(content, type=form)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise self._failed(f"not an answer of {self.engine}: {error}") from error

    def _exchange(
        self, url: str, words: Mapping[str, str] | None, body: bytes | None
    ) -> tuple[int, bytes]:
        content = bytearray()
        method = "GET" if body is None else "POST"
        try:
            with self._client.stream(method, url, params=words, content=body) as response:
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > ANSWER_BYTES_MAX:
                        raise self._failed(f"more than {ANSWER_BYTES_MAX} bytes")
                    if self._now_s() > self._deadline_s:
                        raise self._failed(f"no whole answer within {self._timeout_s:g} s")
        # The texts of these errors may hold the address.
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._failed(type(error).__name__) from error
        if response.is_server_error or response.status_code == _TOO_MANY_REQUESTS:
            raise self._failed(f"status {response.status_code}")
        return response.status_code, bytes(content)

    def _failed(self, reason: str) -> RoadsError:
        self._paused_until_s = self._now_s() + PAUSE_S
        return RoadsError(f"{reason}; left alone for {PAUSE_S:g} s")

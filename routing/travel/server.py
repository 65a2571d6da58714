"""Times by road from an OSRM server, asked over HTTP; it gets a place to a thousandth of a degree.

A server that fails is left alone for a while, so that decisions do not wait for it one by one:

    asked ──fails──▶ paused for PAUSE_S ──▶ asked again
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

import httpx
import msgspec

from dtc_db.vehicle import VehicleClass
from routing.errors import RoadsError
from routing.model import Position, Site
from routing.travel.answer import TableAnswer, measured_from
from routing.travel.model import Measured, Setback

ENGINE = "osrm server"
TIMEOUT_S = 1.0  # of one question, as a whole
PAUSE_S = 30.0
ANSWER_BYTES_MAX = 1_000_000
_TOO_MANY_REQUESTS = 429

log = logging.getLogger("rightbay.roads")


class OsrmServer:
    """An engine elsewhere, under one address; whatever profile it has is taken for every vehicle.

    References:
        OSRM's HTTP API, version 1, table service.
    """

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
        self._paused_until_s = float("-inf")
        self._lock = threading.Lock()
        self._client = httpx.Client(timeout=timeout_s, follow_redirects=False, trust_env=False)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def measure(
        self, origin: Position, sites: Sequence[Site], *, vehicle_class: VehicleClass
    ) -> Measured:
        """Answer as `routing.ports.TravelTimes` does."""
        del vehicle_class
        with self._lock:
            if self._now_s() < self._paused_until_s:
                return Measured(engine=ENGINE, roads="", setback=Setback.PAUSED)
            try:
                answer = self._ask(origin, sites)
                return measured_from(answer, sites, engine=ENGINE, roads=answer.data_version)
            except RoadsError as error:
                log.warning("roads_failed", extra={"reason": str(error)})
                return Measured(engine=ENGINE, roads="", setback=Setback.NO_ANSWER)

    def _ask(self, origin: Position, sites: Sequence[Site]) -> TableAnswer:
        places = [origin, *(site.position for site in sites)]
        coordinates = ";".join(f"{place.lon_deg:.6f},{place.lat_deg:.6f}" for place in places)
        url = f"{self._url}/table/v1/driving/{coordinates}"
        words = {"sources": "0", "annotations": "duration,distance", "generate_hints": "false"}
        words["destinations"] = ";".join(map(str, range(1, len(places))))
        status, content = self._fetch(url, words)
        if status != httpx.codes.OK:
            # It answers, but not this question: the next one may fare better.
            raise RoadsError(f"the server answers with status {status}")
        try:
            return msgspec.json.decode(content, type=TableAnswer)
        except msgspec.MsgspecError as error:
            raise self._failed(f"not an answer of OSRM: {error}") from error

    def _fetch(self, url: str, words: dict[str, str]) -> tuple[int, bytes]:
        deadline_s = self._now_s() + self._timeout_s
        content = bytearray()
        try:
            with self._client.stream("GET", url, params=words) as response:
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > ANSWER_BYTES_MAX:
                        raise self._failed(f"more than {ANSWER_BYTES_MAX} bytes")
                    if self._now_s() > deadline_s:
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

"""Publishes a recording as a telematics unit, until every report has its receipt."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from gateway.sources.mqtt import MqttClient
from rightbay.errors import NoReceiptError
from rightbay.recordings.read import read_recording
from simulators.recording import RecordedFrame, diagnostic_bursts, wire_frames

OUTSTANDING_REPORTS_MAX = 20
RESEND_S = 4.0
GIVE_UP_S = 60.0
REFERRAL_WAIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of a replay.

    Attributes:
        frames: Diagnostic frames that were sent; ordinary traffic is left out.
        referrals: Bodies that were pushed to the unit meanwhile.
    """

    frames: int
    reports: int
    referrals: tuple[bytes, ...]


def recorded_frames(path: Path) -> Iterator[RecordedFrame]:
    """Read a recording as what a unit would have heard.

    Raises:
        RecordingError: The file is absent, of no known format, or broken somewhere.
    """
    for message in read_recording(path):
        yield RecordedFrame(
            at_s=message.timestamp,
            can_id=message.arbitration_id,
            is_extended=message.is_extended_id,
            data=bytes(message.data),
            channel=str(message.channel),
        )


class Replay:
    """A unit that has nothing but a recording."""

    def __init__(
        self, client: MqttClient, *, unit: str, topic_prefix: str, lon_deg: float, lat_deg: float
    ) -> None:
        """Prepare to publish as `unit`, standing at the given place all the while.

        Args:
            client: Connected, and subscribed to `topics`.
            unit: Whose topics are used.
            topic_prefix: Before ``/{unit}/up/report``.
            lon_deg: WGS 84.
            lat_deg: WGS 84.
        """
        self._client = client
        self._topic = f"{topic_prefix}/{unit}/up/report"
        self._position = [lon_deg, lat_deg]
        self._outstanding: dict[str, bytes] = {}
        self._referrals: list[bytes] = []
        # Two replays of one recording are two journeys.
        self._run = uuid4().hex[:12]

    @staticmethod
    def topics(unit: str, topic_prefix: str) -> tuple[str, ...]:
        """What such a unit listens to."""
        return (f"{topic_prefix}/{unit}/down/receipt", f"{topic_prefix}/{unit}/down/referral")

    async def publish(self, recording: Iterator[RecordedFrame]) -> Replayed:
        """Send it all, and wait for the receipts and for a referral that may follow.

        Raises:
            NoReceiptError: If some report had no receipt after `GIVE_UP_S`.
            RecordingError: If the recording turns out to be broken; what came before it is sent.
        """
        frames = reports = 0
        for burst in diagnostic_bursts(recording):
            frames, reports = frames + len(burst), reports + 1
            event_id, body = f"{self._run}-{reports}", wire_frames(burst)
            self._outstanding[event_id] = self._report(event_id, reports, body)
            self._client.publish(self._topic, self._outstanding[event_id])
            await self._settle(OUTSTANDING_REPORTS_MAX)
        await self._settle(0)
        await self._wait_for_referral()
        return Replayed(frames=frames, reports=reports, referrals=tuple(self._referrals))

    def _report(self, event_id: str, seq: int, frames: list[list[float | str]]) -> bytes:
        return json.dumps(
            {
                "id": event_id,
                "at": datetime.now(UTC).isoformat(),
                "seq": seq,
                "bus": "can",
                "pos": self._position,
                "frames": frames,
            }
        ).encode()

    async def _settle(self, outstanding_max: int) -> None:
        """Wait until no more than this many reports lack a receipt; resend from time to time."""
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + GIVE_UP_S
        while len(self._outstanding) > outstanding_max:
            try:
                async with asyncio.timeout(RESEND_S):
                    await self._hear()
            except TimeoutError:
                if loop.time() >= give_up_s:
                    raise NoReceiptError(
                        f"{len(self._outstanding)} reports have no receipt after {GIVE_UP_S:g} s: "
                        "does a gateway run on this broker, and can it reach its database?"
                    ) from None
                for body in self._outstanding.values():
                    self._client.publish(self._topic, body)

    async def _wait_for_referral(self) -> None:
        try:
            async with asyncio.timeout(REFERRAL_WAIT_S):
                while not self._referrals:
                    await self._hear()
        except TimeoutError:
            pass  # a recording without a new fault makes none

    async def _hear(self) -> None:
        message = await self._client.receive()
        self._client.acknowledge(message)
        if message.topic.endswith("/down/referral"):
            self._referrals.append(message.payload)
            return
        for event_id in json.loads(message.payload)["ids"]:
            self._outstanding.pop(event_id, None)

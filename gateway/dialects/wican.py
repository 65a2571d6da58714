"""WiCAN adapters: CAN frames over MQTT on ``wican/{device}/can/rx``, and what their firmware polls.

    {"bus": 0, "type": "rx", "ts": 34610, "frame": [{"id": 2024, "dlc": 8, "rtr": false,
      "extd": false, "data": [4, 67, 1, 1, 40, 0, 0, 0]}]}

A long answer comes in several messages, so what is unfinished is kept for each device and bus, for
the `DEVICES_MAX` that spoke last. Nobody sends flow control for us: a poller that does not leaves
nothing but first frames. An object without frames is what the firmware polled: numbers by name.
``bus`` is a number or a text. Silence means nothing.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from gateway.dialects.fields import FieldReader
from gateway.dialects.foreign import (
    Body,
    Contents,
    ForeignDialect,
    UnlikeError,
    as_object,
    level_of,
)
from gateway.dialects.traffic import read_traffic
from gateway.model import Bus, Frame, Reason
from gateway.protocols.listener import Listener
from gateway.protocols.messages import BusSettings, SettingsOf, defaults_of

DEVICES_MAX = 1_000
FRAMES_MAX = 1_000


class _Heard(NamedTuple):
    """A device's bus, and what was known of it when we began to listen."""

    settings: BusSettings
    listener: Listener


def wican(
    topic_filter: str = "wican/+/can/rx", *, settings_of: SettingsOf = defaults_of
) -> ForeignDialect:
    """Read what adapters publish; the device's name is the second level of the topic."""
    heard: OrderedDict[tuple[str, str], _Heard] = OrderedDict()

    def listener_of(unit: str, bus: str, settings: BusSettings) -> Listener:
        before = heard.pop((unit, bus), None)
        if before is None or before.settings is not settings:
            before = _Heard(
                settings,
                Listener(Bus.CAN, addressing=settings.addressing, answer_ids=settings.answer_ids),
            )
        heard[unit, bus] = before
        if len(heard) > DEVICES_MAX:
            heard.popitem(last=False)
        return before.listener

    def read(topic: str, body: object, fields: FieldReader) -> Contents:
        unit, message = level_of(topic, 1), as_object(body, "the message")
        if "frame" not in message:
            return Contents(unit=unit, signals=fields.signals("polled values", message))
        listed = message["frame"]
        if not isinstance(listed, list) or len(listed) > FRAMES_MAX:
            raise UnlikeError(f"expected frame to be a list of at most {FRAMES_MAX}")
        if message.get("type", "rx") != "rx":  # what the adapter itself sent
            return Contents(unit=unit)
        settings = settings_of(unit)
        traffic = read_traffic(
            _frames(listed, message.get("ts"), fields),
            bus=Bus.CAN,
            settings=settings,
            listener=listener_of(unit, str(message.get("bus", 0)), settings),
        )
        values = traffic.values
        return Contents(
            unit=unit,
            observations=traffic.observations,
            rejections=traffic.rejections,
            position=traffic.position,
            speed_kmh=values.get("speed_kmh"),
            odometer_km=values.get("odometer_km"),
            soc_pct=values.get("soc_pct"),
            signals=values,
        )

    return ForeignDialect((topic_filter,), read)


def _frames(listed: Sequence[object], ts: object, fields: FieldReader) -> Sequence[Frame]:
    t_ms = fields.number("ts", ts, low=0, high=2.0**53) or 0.0
    frames: list[Frame] = []
    for one in listed:
        frame = _frame(as_object(one, "an entry of frame"), t_ms)
        if frame is None:
            fields.reject(Reason.BAD_FRAME, "expected id, extd and data of a CAN frame", one)
        else:
            frames.append(frame)
    return frames


def _frame(entry: Body, t_ms: float) -> Frame | None:
    can_id, data, is_extended = entry.get("id"), entry.get("data"), entry.get("extd") is True
    if entry.get("rtr") is True:
        data = []
    if not isinstance(can_id, int) or not 0 <= can_id < 1 << (29 if is_extended else 11):
        return None
    if not isinstance(data, list) or len(data) > 64:
        return None
    if not all(type(one) is int and 0 <= one <= 0xFF for one in data):
        return None
    return Frame(t_ms, int(can_id), bytes(data), is_extended)

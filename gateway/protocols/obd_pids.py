"""The parameters (PID) of OBD services 01 and 02: how long each is, and what the useful ones say.

One answer may hold several parameters one after the other, so every length has to be known; at the
first parameter whose length is not, reading stops. Lengths and formulas after SAE J1979-DA as
python-OBD and the public tables of parameters give them.
"""

from collections.abc import Callable, Iterator

Values = tuple[tuple[str, float], ...]


def _byte(name: str, *, factor: float = 1.0, offset: float = 0.0) -> Callable[[bytes], Values]:
    return lambda data: ((name, data[0] * factor + offset),)


def _number(
    name: str, *, factor: float = 1.0, offset: float = 0.0, start: int = 0, stop: int = 2
) -> Callable[[bytes], Values]:
    return lambda data: ((name, int.from_bytes(data[start:stop]) * factor + offset),)


def _monitors(data: bytes) -> Values:
    """Read bytes B to D: ignition type, and how many monitors exist and are not ready yet."""
    b, c, d = data[1], data[2], data[3]
    supported = (b & 0x07).bit_count() + c.bit_count()
    waiting = (b >> 4 & b & 0x07).bit_count() + (c & d).bit_count()
    return (
        ("is_compression_ignition", float(b >> 3 & 1)),
        ("monitors_supported", float(supported)),
        ("monitors_not_ready", float(waiting)),
    )


_READ: dict[int, Callable[[bytes], Values]] = {
    0x01: _monitors,
    0x04: _byte("engine_load_pct", factor=100 / 255),
    0x05: _byte("coolant_c", offset=-40),
    0x0B: _byte("intake_pressure_kpa"),
    0x0C: _number("engine_rpm", factor=1 / 4),
    0x0D: _byte("speed_kmh"),
    0x0F: _byte("intake_air_c", offset=-40),
    0x10: _number("air_flow_g_s", factor=1 / 100),
    0x11: _byte("throttle_pct", factor=100 / 255),
    0x1F: _number("run_time_s"),
    0x21: _number("distance_with_mil_km"),
    0x2F: _byte("fuel_pct", factor=100 / 255),
    0x30: _byte("warm_ups_since_clear"),
    0x31: _number("distance_since_clear_km"),
    0x33: _byte("barometer_kpa"),
    0x41: lambda data: _monitors(data)[:1],  # of this drive cycle; readiness is told by 01
    0x42: _number("battery_v", factor=1 / 1000),
    0x46: _byte("ambient_c", offset=-40),
    0x4D: _number("run_time_with_mil_min"),
    0x4E: _number("time_since_clear_min"),
    0x5B: _byte("soc_pct", factor=100 / 255),
    0x5C: _byte("oil_c", offset=-40),
    0xA6: _number("odometer_km", factor=1 / 10, stop=4),
}

PID_LENGTHS = (
    dict.fromkeys((0x00, 0x20, 0x40, 0x60, 0x80, 0xA0, 0xC0), 4)
    | dict.fromkeys((0x01, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x2B), 4)
    | dict.fromkeys((0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x3B, 0x41, 0x4F, 0x50, 0xA6), 4)
    | dict.fromkeys((0x02, 0x03, 0x0C, 0x10, 0x1F, 0x21, 0x22, 0x23, 0x31, 0x32), 2)
    | dict.fromkeys((0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B), 2)
    | dict.fromkeys((0x3C, 0x3D, 0x3E, 0x3F, 0x42, 0x43, 0x44, 0x4D, 0x4E, 0x53, 0x54), 2)
    | dict.fromkeys((0x55, 0x56, 0x57, 0x58, 0x59, 0x5D, 0x5E, 0x63), 2)
    | dict.fromkeys((0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x0D, 0x0E, 0x0F, 0x11), 1)
    | dict.fromkeys((0x12, 0x13, 0x1C, 0x1D, 0x1E, 0x2C, 0x2D, 0x2E, 0x2F, 0x30, 0x33), 1)
    | dict.fromkeys((0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x51, 0x52), 1)
    | dict.fromkeys((0x5A, 0x5B, 0x5C, 0x5F, 0x61, 0x62), 1)
)
"""Bytes of data of each parameter that may occur."""


def decode_values(
    data: bytes, *, frame_number: bool = False
) -> Iterator[tuple[int, bytes, Values]]:
    """Split an answer into its parameters.

    Args:
        data: What follows the service byte.
        frame_number: Whether a frame number follows each parameter (service 02).

    Yields:
        Parameter, its bytes, and what they mean; stops before a parameter that is unknown or cut
        short.
    """
    lead = 2 if frame_number else 1
    at = 0
    while at < len(data):
        pid = data[at]
        length = PID_LENGTHS.get(pid)
        if length is None or at + lead + length > len(data):
            return
        value = data[at + lead : at + lead + length]
        read = _READ.get(pid)
        yield pid, value, read(value) if read else ()
        at += lead + length

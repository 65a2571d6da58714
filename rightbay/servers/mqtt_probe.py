"""Asks a broker whether it would serve us: one CONNECT, one CONNACK, and goodbye.

Nothing more of MQTT is spoken here; the client proper lives in the gateway.

References:
    MQTT 3.1.1 (OASIS 2014), 3.1 CONNECT and 3.2 CONNACK.
"""

import asyncio
import os
import ssl
from urllib.parse import unquote, urlsplit

from rightbay.errors import UnreachableError
from rightbay.settings import masked_url

ANSWER_S_MAX = 5.0
KEEP_ALIVE_S = 10

DISCONNECT = bytes((0xE0, 0))
_REFUSALS = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not take our client id",
    3: "it is not available",
    4: "user or password is wrong",
    5: "we are not authorised",
}


def encode_connect(client_id: str, *, user: str | None, password: str | None) -> bytes:
    """Encode a CONNECT for a clean session (3.1)."""
    flags = 0x02 | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    variable_header = b"\0\4MQTT\4" + bytes((flags,)) + KEEP_ALIVE_S.to_bytes(2)
    fields = [text.encode() for text in (client_id, user, password) if text is not None]
    body = variable_header + b"".join(len(field).to_bytes(2) + field for field in fields)
    return b"\x10" + _encode_length(len(body)) + body


def _encode_length(length: int) -> bytes:
    """Encode a remaining length: seven bits a byte, least significant first (2.2.3)."""
    encoded = bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(encoded)


async def check_broker(url: str) -> None:
    """Return if the broker takes our connection.

    Raises:
        UnreachableError: It is away, silent, something else, or refuses us; the message says which.
    """
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            answer = await _exchange(url)
    except TimeoutError as error:
        raise _unreachable(url, f"no answer within {ANSWER_S_MAX:g} s") from error
    except (OSError, asyncio.IncompleteReadError) as error:
        reason = getattr(error, "strerror", None) or "it hung up"
        raise _unreachable(url, reason) from error
    if answer[:2] != b"\x20\2":
        raise _unreachable(url, "what answers there is no MQTT broker")
    if answer[3] != 0:
        raise _unreachable(url, _REFUSALS.get(answer[3], f"refused with code {answer[3]}"))


async def _exchange(url: str) -> bytes:
    parts = urlsplit(url)
    is_secure = parts.scheme == "mqtts"
    reader, writer = await asyncio.open_connection(
        parts.hostname,
        parts.port or (8883 if is_secure else 1883),
        ssl=ssl.create_default_context() if is_secure else None,
    )
    try:
        user = unquote(parts.username) if parts.username is not None else None
        password = unquote(parts.password) if parts.password is not None else None
        client_id = f"rightbay-probe-{os.getpid()}"
        writer.write(encode_connect(client_id, user=user, password=password))
        answer = await reader.readexactly(4)
        writer.write(DISCONNECT)
        await writer.drain()
        return answer
    finally:
        writer.close()


def _unreachable(url: str, reason: str) -> UnreachableError:
    return UnreachableError(
        f"the broker at {masked_url(url)} cannot be used: {reason}; "
        "is it running, and is RIGHTBAY_BROKER_URL right?"
    )

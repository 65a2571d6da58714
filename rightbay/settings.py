"""What the operator decides, read once from the environment (see docs/settings.md)."""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from rightbay.errors import SettingsError

PREFIX = "RIGHTBAY_"
# The gateway's registry has them; a test holds the two together, and settings load quickly.
DIALECTS = frozenset({"fleetwise", "inhand", "openxc", "ovms", "traccar", "vss", "wican"})
PAGE = "docs/settings.md"


class LogLevel(StrEnum):
    """The least grave event that is still written to the log."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def default_data_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Say where the data live if nobody says otherwise.

    References:
        XDG Base Directory Specification 0.8: a relative ``XDG_DATA_HOME`` is to be ignored.
    """
    environ = os.environ if environ is None else environ
    base = Path(environ.get("XDG_DATA_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local" / "share") / "rightbay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting of the service; field ``x`` is read from ``RIGHTBAY_X``.

    Attributes:
        data: Folder of the embedded servers and of ``run.json``; absolute.
        database_url: A PostgreSQL to use; None embeds one. May hold a password: never shown.
        broker_url: An MQTT broker to use; None embeds one. May hold a password: never shown.
        api_host: Address on which the HTTP service listens.
        api_port: None takes the usual port if it is free, else any.
        broker_port: Of the embedded broker; None as above.
        topic_prefix: What every MQTT topic begins with.
        gateway_id: Under which the broker keeps a gateway's session; each gateway has its own.
        dialects: Other makers' device families that the gateway listens to besides our own units.
        signals: Folder that says what is on the buses of vehicles (docs/signals.md); absolute.
        log_level: The least grave event that is logged.
        roads: A folder with a road map, or the address of an OSRM or Valhalla server; None takes
            the map in the data folder, if there is one. May hold a password: never shown.
        trust: Folder with the trust list and status lists for signed credentials; None trusts
            nobody.
        retention_days: How long reports, transitions, message ids and dead letters are kept.
    """

    data: Path = field(default_factory=default_data_folder)
    database_url: str | None = field(default=None, repr=False)
    broker_url: str | None = field(default=None, repr=False)
    api_host: str = "127.0.0.1"
    api_port: int | None = None
    broker_port: int | None = None
    topic_prefix: str = "rb/1"
    gateway_id: str = "rightbay-gateway"
    dialects: tuple[str, ...] = ()
    signals: Path | None = None
    log_level: LogLevel = LogLevel.INFO
    roads: str | None = field(default=None, repr=False)
    retention_days: int = 400
    trust: Path | None = None

    def environment(self) -> dict[str, str]:
        """Give the variables from which :func:`load_settings` makes these settings again."""
        values = {variable(f.name): getattr(self, f.name) for f in fields(self)}
        return {
            name: ",".join(value) if isinstance(value, tuple) else str(value)
            for name, value in values.items()
            if value not in (None, ())
        }


def variable(name: str) -> str:
    """Give the environment variable of the setting ``name``."""
    return PREFIX + name.upper()


VARIABLES = tuple(variable(f.name) for f in fields(Settings))


def load_settings(
    environ: Mapping[str, str] | None = None, *, data: Path | None = None
) -> Settings:
    """Read the settings.

    Args:
        environ: The environment; the process's if None. An empty value counts as not set.
        data: The data folder from the command line, which wins over the environment.

    Raises:
        SettingsError: A value is wrong, or a name with our prefix is no setting of ours; a typing
            error must not silently mean the default.
    """
    environ = os.environ if environ is None else environ
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX) and value}
    if data is not None:
        given[variable("data")] = str(data)
    for name in given:
        if name not in VARIABLES:
            raise SettingsError(_unknown(name))
    values: dict[str, Any] = {"data": default_data_folder(environ)}
    for name, (parse, form) in _FORMS.items():
        text = given.get(variable(name))
        if text is not None:
            values[name] = _read(variable(name), text, parse, form)
    return Settings(**values)


def masked_url(url: str) -> str:
    """Give a URL as it may be shown: with stars in the place of every password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}{':***' if parts.password else ''}@" if parts.username else ""
    query = re.sub(r"((?:^|&)(?:ssl)?password=)[^&]*", r"\1***", parts.query)
    return urlunsplit((parts.scheme, user + host, parts.path, query, ""))


def _read(name: str, text: str, parse: Callable[[str], Any], form: str) -> Any:  # noqa: ANN401 - one reader for fields of every type
    try:
        return parse(text)
    except ValueError as error:
        # A URL may hold a password, so a wrong one is not repeated.
        shown = "" if name.endswith("_URL") or "://" in text else f", not {text!r}"
        raise SettingsError(f"{name} must be {form}{shown}; see {PAGE}") from error


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, VARIABLES, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{name} is no setting of Rightbay{hint} (see {PAGE})"


def _folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _existing_folder(text: str) -> Path:
    folder = _folder(text)
    if not folder.is_dir():
        raise ValueError(text)
    return folder


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError beyond 65535
        if parts.scheme not in schemes:
            raise ValueError(parts.scheme)
        if not parts.hostname and "host=" not in parts.query:
            raise ValueError(parts.netloc)
        return text

    return parse


_roads_url = _url("http", "https", "valhalla+http", "valhalla+https")


def _roads(text: str) -> str:
    return _roads_url(text) if "://" in text else str(_folder(text))


def _matching(pattern: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(text)
        return text

    return parse


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= port <= 65535:
        raise ValueError(text)
    return port


def _days(text: str) -> int:
    days = int(text) if text.isascii() and text.isdigit() else 0
    if not 7 <= days <= 36_500:
        raise ValueError(text)
    return days


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    if not set(names) <= DIALECTS:
        raise ValueError(text)
    return names


_FORMS: Final[Mapping[str, tuple[Callable[[str], Any], str]]] = {
    "data": (_folder, "a folder"),
    "database_url": (
        _url("postgresql", "postgres"),
        "a PostgreSQL address such as postgresql://user@host:5432/database",
    ),
    "broker_url": (
        _url("mqtt", "mqtts"),
        "a broker's address such as mqtt://host:1883 or mqtts://host:8883",
    ),
    "api_host": (_matching(r"[A-Za-z0-9.:_-]+"), "a host name or an address such as 127.0.0.1"),
    "api_port": (_port, "a port number from 1 to 65535"),
    "broker_port": (_port, "a port number from 1 to 65535"),
    "topic_prefix": (
        _matching(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*"),
        "topic levels of letters, digits, - and _ such as rb/1",
    ),
    "gateway_id": (_matching(r"[A-Za-z0-9_-]{1,64}"), "1 to 64 letters, digits, - and _"),
    "dialects": (_names, "some of " + ",".join(sorted(DIALECTS)) + ", with commas between"),
    "signals": (_existing_folder, "a folder that is there"),
    "log_level": (LogLevel, "one of " + ", ".join(LogLevel)),
    "roads": (
        _roads,
        "a folder, or an address such as http://host:5000 or valhalla+http://host:8002",
    ),
    "trust": (_folder, "a folder"),
    "retention_days": (_days, "a number of days from 7 to 36500"),
}

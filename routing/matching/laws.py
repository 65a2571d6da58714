"""What the law of a contract asks to be said with a list: dated data, in force on a day."""

import hashlib
import tomllib
from datetime import date
from functools import cache
from importlib import resources

import msgspec

from routing.principal import Principal, PrincipalKind


class Law(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of law.

    Attributes:
        name: Under which its sentence stands in the texts.
        countries: Of the contract, ISO 3166-1 alpha-2.
        kinds: Of principals.
        valid_until: Last day; None while no end is set.
        narrows: Whether a principal may recommend only its own places; nothing a principal agreed
            to leaves anybody out where this is false.
    """

    name: str
    countries: frozenset[str]
    kinds: frozenset[PrincipalKind]
    valid_from: date
    source: str
    valid_until: date | None = None
    narrows: bool = True


class Laws(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them."""

    version: str
    laws: tuple[Law, ...]

    def on(self, day: date, principal: Principal | None) -> tuple[Law, ...]:
        """Those in force on a day for a principal's contracts, in the order of the file."""
        if principal is None:
            return ()
        return tuple(
            law
            for law in self.laws
            if principal.country in law.countries
            and principal.kind in law.kinds
            and law.valid_from <= day <= (law.valid_until or date.max)
        )

    @property
    def digest(self) -> str:
        """SHA-256 over the rules, hexadecimal."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


@cache
def load_laws() -> Laws:
    """The laws that come with the program."""
    content = resources.files("routing.data").joinpath("laws.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(content), Laws)

"""Hourly rates in one cell, as published: ``78.50 EUR``, or ``T1: 78.50 EUR; T2: 80 EUR net``."""

import re
from collections.abc import Iterable
from decimal import Decimal

from routing.model import HourlyRate

RATES_MAX = 20
AMOUNT_MAX = 1_000_000_000  # of the smallest unit

# ISO 4217 gives these currencies no smaller unit, or thousandths; all others have hundredths.
_DIGITS = dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0)
_DIGITS |= dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
_RATE = re.compile(
    r"(?:(?P<name>[^:;]{1,40}):\s*)?(?P<amount>[0-9]{1,9}(?:[.,][0-9]{1,3})?)\s*"
    r"(?P<currency>[A-Z]{3}|€)"
    r"(?P<net>\s+net)?"
)


def parse_rates(text: str) -> tuple[HourlyRate, ...]:
    """Read a cell; an empty one means that nobody said.

    Raises:
        ValueError: If a part is no rate, is nothing or too much, has more digits than its currency,
            if a name stands twice, or if there are more than `RATES_MAX`.
    """
    parts = [part.strip() for part in text.split(";") if part.strip()]
    if len(parts) > RATES_MAX:
        raise ValueError(f"expected at most {RATES_MAX} rates, got {len(parts)}")
    rates = sorted(map(_parse, parts), key=lambda rate: rate.name)
    names = [rate.name for rate in rates]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two rates are named {name!r}")
    return tuple(rates)


def format_rates(rates: Iterable[HourlyRate]) -> str:
    """The inverse of `parse_rates`."""
    return ";".join(map(_format, rates))


def _parse(text: str) -> HourlyRate:
    found = _RATE.fullmatch(text)
    if found is None:
        raise ValueError(f"expected rates such as 78.50 EUR or T2: 95.00 EUR net, got {text!r:.40}")
    currency = "EUR" if found["currency"] == "€" else found["currency"]
    digits = _DIGITS.get(currency, 2)
    minor = Decimal(found["amount"].replace(",", ".")).scaleb(digits)
    if minor != int(minor):
        raise ValueError(f"{currency} has {digits} digits after the point, got {text!r:.40}")
    if not 0 < minor <= AMOUNT_MAX:
        raise ValueError(f"expected an amount above nothing, got {text!r:.40}")
    return HourlyRate(
        name=" ".join((found["name"] or "").split()),
        amount_minor=int(minor),
        currency=currency,
        is_net=found["net"] is not None,
    )


def _format(rate: HourlyRate) -> str:
    digits = _DIGITS.get(rate.currency, 2)
    amount = f"{Decimal(rate.amount_minor).scaleb(-digits):.{digits}f}"
    name = f"{rate.name}: " if rate.name else ""
    return f"{name}{amount} {rate.currency}{' net' if rate.is_net else ''}"

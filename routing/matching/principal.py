"""What a principal agreed to: which of the competent places are recommended in its name.

These rules narrow a list and never the driver's choice: whoever is competent, free and near, but
outside them, is shown beside the list with the rule.
"""

import hashlib
import re
import tomllib
from dataclasses import dataclass, fields
from datetime import datetime

import msgspec

from routing.decision import Case, Reason, Rule
from routing.errors import DataFileError
from routing.matching.eligible import Failure
from routing.model import Site
from routing.principal import Principal

NAME_LENGTH_MAX = 100
SITES_MAX = 100_000  # on one list
PRINCIPAL_BYTES_MAX = 10_000_000
_AUTHORISED = "authorised"  # a word of `Site.access`, with the make behind it
_CURRENCY = re.compile(r"[A-Z]{3}")
_COUNTRY = re.compile(r"([A-Z]{2})?")

NOTHING_WISHED: dict[str, int | None] = {"preference": 0, "price": None}


@dataclass(frozen=True, slots=True)
class Agreement:
    """A principal's rules as they hold for one vehicle on one day.

    Attributes:
        authorised_for: The make that a site must be authorised for; None if it need not be.
    """

    principal: Principal
    authorised_for: str | None

    @classmethod
    def of(cls, case: Case, *, at: datetime) -> "Agreement | None":
        """That for a case; None if nobody's rules hold.

        Args:
            case: With its principal and the end of its warranty.
            at: Of the decision, aware; the last day of a warranty counts whole.
        """
        principal = case.principal
        if principal is None:
            return None
        is_bound = (
            principal.is_warranty_bound
            and case.warranty_until is not None
            and at.date() <= case.warranty_until
        )
        return cls(principal, (case.vehicle.make or "unknown make") if is_bound else None)

    def failure(self, site: Site) -> Failure | None:
        """The first of these rules that a site breaks, wherever the vehicle is."""
        principal = self.principal
        if self.authorised_for is not None and not is_authorised(site, self.authorised_for):
            return Failure(Rule.WARRANTY, (principal.name,))
        approved = principal.approved_sites, principal.approved_networks
        if any(approved) and not _is_among(site, *approved):
            return Failure(Rule.APPROVED, (principal.name,))
        price_max = principal.hour_price_max
        if price_max is not None:
            price = hour_price(site, principal)
            if price is None or price > price_max:
                wanted = f"{price_max / 100:.2f} {principal.currency} an hour at most"
                return Failure(Rule.PRICE, (wanted,))
        return None

    def prefers(self, site: Site) -> bool:
        """Whether the principal would rather have this site than another one."""
        principal = self.principal
        return _is_among(site, principal.preferred_sites, principal.preferred_networks)

    def measure(self, site: Site) -> dict[str, int | None]:
        """What the principal's own terms of the score measure of a site; None is not known."""
        price = hour_price(site, self.principal) if self.principal.is_price_weighed else None
        return {"preference": int(self.prefers(site)), "price": price}

    def radius_m(self, radius_m: int) -> int:
        """How far a site may be, where without the principal it may be this far."""
        agreed_m = self.principal.distance_m_max
        return radius_m if agreed_m is None else min(radius_m, agreed_m)

    def too_far(self, distance_m: int, radius_m: int) -> Failure | None:
        """The rule `AGREED_DISTANCE`; arguments as for `radius_m`."""
        agreed_m = self.radius_m(radius_m)
        if distance_m <= agreed_m:
            return None
        within = f"within {agreed_m / 1000:g} km"
        told = Reason("reasons.within", (("radius_m", agreed_m),))
        return Failure(Rule.AGREED_DISTANCE, (within,), (("within", told),))


def is_authorised(site: Site, make: str) -> bool:
    """Whether the maker authorised this site for repairs under its warranty."""
    return f"{_AUTHORISED}:{make}" in site.access


def hour_price(site: Site, principal: Principal) -> int | None:
    """The dearest hour that a site publishes, as the principal reckons; None if it does not."""
    return max(
        (
            rate.amount_minor
            for rate in site.hourly_rates
            if rate.currency == principal.currency and rate.is_net is principal.is_net
        ),
        default=None,
    )


def _is_among(site: Site, sites: frozenset[str], networks: frozenset[str]) -> bool:
    return site.site_id in sites or not networks.isdisjoint(site.networks | site.insurers)


def principal_digest(principal: Principal) -> str:
    """SHA-256 over the rules, hexadecimal."""
    return hashlib.sha256(msgspec.json.encode(principal, order="deterministic")).hexdigest()


def parse_principal(content: str) -> Principal:
    """Read a principal's rules from TOML whose keys are the attributes of `Principal`.

    Raises:
        DataFileError: If it is none; says which key is wrong.
    """
    try:
        table = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise DataFileError(f"principal: {error}") from error
    return convert_principal(table)


def convert_principal(table: object) -> Principal:
    """The same from a mapping, as JSON and TOML give it.

    Raises:
        DataFileError: As `parse_principal`.
    """
    try:
        unknown = {*table} - {field.name for field in fields(Principal)}  # type: ignore[misc] # else it raises
        if unknown:
            raise DataFileError(f"principal: unknown key {min(unknown)!r:.40}")
        principal = msgspec.convert(table, Principal)
    except (msgspec.ValidationError, TypeError) as error:
        raise DataFileError(f"principal: {error}") from error
    for name in (principal.name, principal.version):
        if not (0 < len(name) <= NAME_LENGTH_MAX and name.isprintable()):
            raise DataFileError(f"principal: name and version need 1 to {NAME_LENGTH_MAX} letters")
    if not _COUNTRY.fullmatch(principal.country):
        raise DataFileError(
            f"principal: expected two letters as country, got {principal.country!r:.9}"
        )
    lists = (
        *(principal.approved_sites, principal.approved_networks),
        *(principal.preferred_sites, principal.preferred_networks),
    )
    if max(map(len, lists)) > SITES_MAX:
        raise DataFileError(f"principal: more than {SITES_MAX} sites on a list")
    if principal.distance_m_max is not None and principal.distance_m_max < 0:
        raise DataFileError("principal: distance_m_max must not be negative")
    needs_currency = principal.hour_price_max is not None or principal.is_price_weighed
    if needs_currency and not _CURRENCY.fullmatch(principal.currency):
        raise DataFileError("principal: prices need a currency such as EUR")
    return principal

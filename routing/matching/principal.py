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

from routing.errors import DataFileError
from routing.matching.eligible import Failure
from routing.model import Case, Principal, Reason, Rule, Site

NAME_LENGTH_MAX = 100
SITES_MAX = 100_000  # on one list
PRINCIPAL_BYTES_MAX = 10_000_000
_AUTHORISED = "authorised"  # a word of `Site.access`, with the make behind it
_COUNTRY = re.compile(r"([A-Z]{2})?")


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
        name, approved = self.principal.name, self.principal.approved_sites
        if self.authorised_for is not None and not is_authorised(site, self.authorised_for):
            return Failure(Rule.WARRANTY, (name,))
        if approved and site.site_id not in approved:
            return Failure(Rule.APPROVED, (name,))
        return None

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
    if max(len(principal.approved_sites), len(principal.preferred_sites)) > SITES_MAX:
        raise DataFileError(f"principal: more than {SITES_MAX} sites on a list")
    if principal.distance_m_max is not None and principal.distance_m_max < 0:
        raise DataFileError("principal: distance_m_max must not be negative")
    return principal

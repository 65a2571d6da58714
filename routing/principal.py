"""Who pays or cares for a vehicle, as values that belong to a case."""

from dataclasses import dataclass
from enum import StrEnum


class PrincipalKind(StrEnum):
    """In which part somebody pays or cares."""

    FLEET = "fleet"
    INSURER = "insurer"
    CARMAKER = "carmaker"
    DRIVER = "driver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who pays or cares for a vehicle, and the rules under which they do.

    They say what is recommended in their name and never what the driver may choose: a competent
    place that they leave out is shown beside the list. What is empty or None rules nothing out.

    Attributes:
        name: In the operator's own word.
        version: Of these rules.
        country: Whose law the contract is under, ISO 3166-1 alpha-2; empty where nobody said.
        approved_sites: Ids of the sites on the list of approved places.
        approved_networks: Networks and insurers, lower case, whose members are approved as well.
        preferred_sites: Ids of sites that get the points of `preference`; nobody else loses any.
        preferred_networks: Likewise, by network.
        is_warranty_bound: While the warranty lasts, only sites that the vehicle's maker authorised.
        distance_m_max: Great-circle distance.
        hour_price_max: Of the dearest hour that a site publishes, in the smallest unit of
            ``currency``; a site that publishes none in it is outside.
        currency: ISO 4217; needed where a price counts.
        is_net: Whether prices are without the tax that a private customer pays on top.
        is_price_weighed: Whether a lower price gets more points.
    """

    name: str
    version: str
    kind: PrincipalKind = PrincipalKind.FLEET
    country: str = ""
    approved_sites: frozenset[str] = frozenset()
    approved_networks: frozenset[str] = frozenset()
    preferred_sites: frozenset[str] = frozenset()
    preferred_networks: frozenset[str] = frozenset()
    is_warranty_bound: bool = False
    distance_m_max: int | None = None
    hour_price_max: int | None = None
    currency: str = ""
    is_net: bool = False
    is_price_weighed: bool = False

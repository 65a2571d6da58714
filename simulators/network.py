"""A plausible network of repairers for any box: who is there, who is competent, and who is not.

Sites are made from trades: what each has in equipment, access and people. The first of each trade
is complete (every title held and in date, its hours unbroken), so that whatever the simulated fleet
breaks can be mended somewhere; the further ones have the gaps of real life, decided by seed: a
title that ended, one that ends soon, one that nobody ever took. General garages are many and
everywhere, specialists few: the nearest site is often not the one that may do it.

Sites have numbers, no names of businesses; people have numbers, no names.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

from dtc_db.vehicle import VehicleClass
from routing.model import Credential, Evidence, Person, Position, Site
from simulators.errors import SettingsError
from simulators.model import Box
from simulators.world.catalogue import load_catalogue

SITES_MAX = 100_000

_LIGHT = frozenset({VehicleClass.CAR, VehicleClass.VAN})
_HEAVY = frozenset({VehicleClass.TRUCK, VehicleClass.BUS})


@dataclass(frozen=True, slots=True)
class _Title:
    """A title under a scheme, and for how long it is issued; None where nothing ends it."""

    scheme: str
    symbol: str
    months: int | None = None


# Names of schemes and titles are those of routing/schemes; every country below has all of these.
_ANYWHERE = {
    "car": _Title("trade", "light vehicle technician"),
    "diagnostics": _Title("trade", "vehicle diagnostics technician"),
    "truck": _Title("trade", "heavy vehicle technician"),
    "body": _Title("trade", "body technician"),
    "tyres": _Title("trade", "tyre and chassis technician"),
    "refrigerant": _Title("eu-fgas-mac", "M1"),
    "adas": _Title("adas", "competent person", 36),
    "tachograph": _Title("tachograph", "workshop card", 12),
    "sermi": _Title("eu-sermi", "employee authorisation", 60),
}
_FR = "fr-nf-c-18-550"
_DE = "de-dguv-209-093"
_TITLES = {
    "FR": _ANYWHERE
    | {
        "airbag": _Title("srs", "airbag course"),
        "hv.aware": _Title(_FR, "B0L", 36),
        "hv.isolate": _Title(_FR, "BCL", 36),
        "hv.work": _Title(_FR, "B2VL", 36),
        "hv.small": _Title(_FR, "BRL", 36),
        "hv.live": _Title(_FR, "B2TL", 12),
        "hv.tow": _Title(_FR, "B2XL", 36),
    },
    "DE": _ANYWHERE
    | {
        "airbag": _Title("srs", "P1"),
        "hv.aware": _Title(_DE, "1S"),
        "hv.isolate": _Title(_DE, "2S"),
        "hv.work": _Title(_DE, "2S"),
        "hv.small": _Title(_DE, "2S"),
        "hv.live": _Title(_DE, "3S"),
        "hv.tow": _Title(_DE, "2S"),
    },
}
COUNTRIES = frozenset(_TITLES)
DEMO_COUNTRY = "FR"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trade:
    """A kind of workshop.

    Attributes:
        share: Of all sites, in hundredths.
        people: One row for each person at a complete site: what each is trained in.
        takes: Vehicle classes.
        is_brand: Works on one make only.
    """

    name: str
    share: int
    takes: frozenset[VehicleClass]
    people: tuple[tuple[str, ...], ...]
    equipment: frozenset[str] = frozenset()
    access: frozenset[str] = frozenset()
    is_brand: bool = False


_MAKE_ACCESS = frozenset({"make.diagnostics", "security.gateway", "sermi"})
_TRADES = (
    _Trade(
        name="Garage",
        share=48,
        takes=_LIGHT,
        people=(("car", "refrigerant"), ("car", "hv.aware"), ("car",)),
        equipment=frozenset({"ac.station"}),
    ),
    _Trade(
        name="Electric vehicle workshop",
        share=8,
        takes=_LIGHT,
        people=(
            ("diagnostics", "hv.aware", "hv.isolate", "hv.live", "sermi"),
            ("diagnostics", "hv.work", "refrigerant"),
            ("car", "hv.small", "hv.tow"),
        ),
        equipment=frozenset({"hv.tools", "hv.quarantine", "ac.station"}),
        access=frozenset({"make.diagnostics", "security.gateway"}),
    ),
    _Trade(
        name="Truck workshop",
        share=12,
        takes=_HEAVY,
        people=(("truck", "tachograph"), ("truck",), ("truck",), ("truck", "hv.aware")),
        equipment=frozenset({"lift.heavy", "brake.tester.heavy"}),
        access=frozenset({"make.diagnostics"}),
    ),
    _Trade(
        name="Body and calibration shop",
        share=8,
        takes=_LIGHT,
        people=(("body", "airbag"), ("diagnostics", "adas", "airbag"), ("car", "hv.aware")),
        equipment=frozenset({"adas.targets", "wheel.aligner", "srs.store"}),
        access=frozenset({"make.diagnostics", "security.gateway"}),
    ),
    _Trade(
        name="Glass shop",
        share=6,
        takes=_LIGHT,
        people=(("body", "adas"), ("body",)),
        equipment=frozenset({"adas.targets"}),
    ),
    _Trade(
        name="Tyre shop",
        share=6,
        takes=_LIGHT,
        people=(("tyres",), ("tyres",)),
        equipment=frozenset({"wheel.aligner"}),
    ),
    _Trade(
        name="Brand workshop",
        share=12,
        takes=_LIGHT,
        people=(
            ("diagnostics", "hv.aware", "hv.isolate", "hv.work", "sermi"),
            ("diagnostics", "hv.work", "hv.live", "adas"),
            ("car", "airbag", "refrigerant", "hv.aware"),
            ("car", "airbag"),
        ),
        equipment=frozenset(
            {
                "hv.tools",
                "ac.station",
                "srs.store",
                "wheel.aligner",
                "adas.targets",
                "hv.quarantine",
            }
        ),
        access=_MAKE_ACCESS,
        is_brand=True,
    ),
)
SITES_MIN = len(_TRADES)

_HOURS = (
    "Mo-Fr 08:00-12:00,14:00-18:00",
    "Mo-Fr 08:00-18:30; Sa 09:00-12:00",
    "Mo-Fr 07:30-12:00,13:30-18:00; Sa 08:00-12:00",
    "Mo-Sa 08:30-19:00",
)
_GAP_CHANCE = 0.3
"""How often a title at an incomplete site is not as it should be."""
_NEVER = -10_000
_GAP_DAYS = (-400, -30, -1, 12, 45, _NEVER)
"""Days that such a title has left; ``_NEVER`` is for one that nobody ever took."""


def repairer_network(
    bbox: Box,
    *,
    seed: int,
    sites: int,
    country: str = DEMO_COUNTRY,
    today: date | None = None,
) -> tuple[Site, ...]:
    """Make a network of repairers.

    Args:
        bbox: Where they are; half of them in four places, as in towns, the others anywhere.
        seed: Decides everything: the same arguments give the same network.
        sites: How many, ``SITES_MIN`` to ``SITES_MAX``.
        country: ISO 3166-1 alpha-2, one of ``COUNTRIES``: its schemes are used.
        today: Titles run out, or not, as seen from this day; the current one by default.

    Raises:
        SettingsError: If number or country are none of those.
    """
    if not SITES_MIN <= sites <= SITES_MAX:
        raise SettingsError(f"a network has {SITES_MIN} to {SITES_MAX} sites, not {sites}")
    if country not in COUNTRIES:
        known = ", ".join(sorted(COUNTRIES))
        raise SettingsError(f"no titles are known for {country!r}; known are {known}")
    today = today or datetime.now(UTC).date()
    random = Random(f"network {seed}")  # noqa: S311  (a simulation, no secret)
    maker = _Maker(bbox, country, today, random)
    return tuple(
        maker.site(number, trade, is_complete=is_complete)
        for number, (trade, is_complete) in enumerate(_roles(sites), start=1)
    )


def _roles(sites: int) -> Iterator[tuple[_Trade, bool]]:
    """Name trade and completeness of each site: one complete site of each trade, then by share."""
    yield from ((trade, True) for trade in _TRADES)
    given = [1] * len(_TRADES)
    for total in range(len(_TRADES), sites):
        # The trade that lags most behind its share is next.
        index = max(
            range(len(_TRADES)), key=lambda i: _TRADES[i].share * (total + 1) - 100 * given[i]
        )
        given[index] += 1
        yield _TRADES[index], False


class _Maker:
    """Makes the sites of one network, one after another from one source of chance."""

    def __init__(self, box: Box, country: str, today: date, random: Random) -> None:
        self._box = box
        self._country = country
        self._today = today
        self._random = random
        self._towns = [(random.uniform(0.1, 0.9), random.uniform(0.1, 0.9)) for _ in range(4)]
        self._makes = sorted(
            make.name
            for kind in load_catalogue().kinds.values()
            if kind.vehicle.vehicle_class in _LIGHT
            for make in kind.makes
        )

    def site(self, number: int, trade: _Trade, *, is_complete: bool) -> Site:
        """Make one site; an incomplete one may lack equipment or access as well as titles."""
        random = self._random
        equipment = {
            name
            for name in sorted(trade.equipment)
            if is_complete or random.random() > _GAP_CHANCE / 2
        }
        has_access = is_complete or random.random() > _GAP_CHANCE
        make = random.choice(self._makes) if trade.is_brand else None
        return Site(
            site_id=f"sim:{number:05}",
            name=f"{trade.name} {number:03}" + (f" ({make})" if make else ""),
            position=self._position(),
            country=self._country,
            vehicle_classes=trade.takes,
            makes=frozenset({make} if make else ()),
            equipment=frozenset(equipment),
            access=trade.access if has_access else frozenset(),
            opening_hours="24/7" if is_complete else random.choice(_HOURS),
            people=tuple(self._people(trade.people, is_complete=is_complete)),
        )

    def _position(self) -> Position:
        """Half of the sites stand in a town, the others anywhere."""
        random = self._random
        if random.random() < 0.5:
            town_x, town_y = random.choice(self._towns)
            x, y = random.gauss(town_x, 0.04), random.gauss(town_y, 0.04)
        else:
            x, y = random.random(), random.random()
        return self._box.place(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0))

    def _people(self, rows: Sequence[tuple[str, ...]], *, is_complete: bool) -> Iterator[Person]:
        """Make the people of a site; an incomplete one may lack two, but never all."""
        fewest = len(rows) if is_complete else max(1, len(rows) - 2)
        titles = _TITLES[self._country]
        for number in range(1, self._random.randint(fewest, len(rows)) + 1):
            symbols = dict.fromkeys(titles[name] for name in rows[number - 1])
            held = (self._credential(title, is_complete=is_complete) for title in symbols)
            yield Person(
                number=number,
                credentials=tuple(credential for credential in held if credential is not None),
            )

    def _credential(self, title: _Title, *, is_complete: bool) -> Credential | None:
        """Make a credential; at an incomplete site it may have ended, end soon, or be missing."""
        random = self._random
        evidence = random.choice((Evidence.DOCUMENT_SEEN, Evidence.REGISTER_CHECKED))
        if not is_complete:
            evidence = random.choice((Evidence.DECLARED, evidence))
        left_days = random.randint(200, 360)
        if not is_complete and title.scheme != "trade" and random.random() < _GAP_CHANCE:
            left_days = random.choice(_GAP_DAYS)
            if left_days == _NEVER or title.months is None:
                return None
        if title.months is None:
            started, until = self._today - timedelta(days=random.randint(400, 6000)), None
        else:
            until = self._today + timedelta(days=left_days)
            started = until - timedelta(days=round(title.months * 30.44))
        return Credential(
            scheme=title.scheme,
            title=title.symbol,
            valid_from=started,
            valid_until=until,
            evidence=evidence,
        )

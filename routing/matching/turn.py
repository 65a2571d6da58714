"""The lot between near equals, and the turn of those of whom little is known.

Nothing here is random. A referral has an id that nobody can choose; SHA-256 of it and of a site's
id is that site's lot in this referral. Who knows both can draw it again.
"""

import hashlib

from routing.model import Site

DRAWS = 10_000  # lots are 0 to this, exclusive


def draw(seed: str, site: Site, *, new_below: int, new_one_in: int) -> int | None:
    """A site's lot; from `DRAWS` on if it is new and this is a referral in which the new go first.

    Args:
        seed: The id of the referral; without one nothing is drawn.
        site: Whose lot.
        new_below: With fewer verified repairs than these a site is new.
        new_one_in: Of how many referrals, one puts the new forward.
    """
    if not seed:
        return None
    lot = _number(f"{seed} {site.site_id}") % DRAWS
    is_new = site.outcomes is None or site.outcomes.count < new_below
    return lot + DRAWS if is_new and is_turn_of_new(seed, new_one_in) else lot


def is_turn_of_new(seed: str, new_one_in: int) -> bool:
    """Whether this referral is one of those that put the new forward, all of them alike."""
    return _number(seed) % new_one_in == 0


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])

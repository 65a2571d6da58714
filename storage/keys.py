"""Keys derived from what they name, so that doing something again makes the same row."""

from functools import lru_cache
from uuid import UUID, uuid5

# The root of all our derived keys; changing it would make every fault a new one.
_ROOT = UUID("9d0cbf4e-6f0a-5c5e-9d1a-2f7b1c3f6a10")

# Held to the end of a transaction by whoever changes the directory, and shared by whoever writes a
# referral that found nobody in it. Any constant does, as long as nobody else locks by it.
DIRECTORY_LOCK = 0x6469_7265_6374_6F72
# Held by whoever counts the businesses that wait, to add one.
REGISTRATION_LOCK = 0x7265_6769_7374_6572


@lru_cache(maxsize=1 << 16)  # its price is that of a whole row
def vehicle_id_of(unit: str) -> UUID:
    """The pseudonym of the vehicle that a unit sits in."""
    return uuid5(_ROOT, f"unit/{unit}")


def episode_id_of(vehicle_id: UUID, ecu: str, code: str, ordinal: int) -> UUID:
    """One time that one fault was on."""
    return uuid5(vehicle_id, f"{ecu}/{code}/{ordinal}")

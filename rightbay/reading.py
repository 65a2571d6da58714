"""How messages of units are read by these settings.

The gateway and whoever hands it a message again read alike.
"""

from gateway.dialects.registry import FOREIGN, Registry
from gateway.dialects.rightbay import RightbayDialect
from gateway.vehicles import Vehicles
from rightbay.settings import Settings


def make_registry(settings: Settings, vehicles: Vehicles) -> Registry:
    """Gather our own dialect and those that are asked for."""
    ours = RightbayDialect(settings.topic_prefix, settings_of=vehicles.settings_of)
    foreign = (FOREIGN[name](vehicles.settings_of) for name in settings.dialects)
    return Registry([ours, *foreign])

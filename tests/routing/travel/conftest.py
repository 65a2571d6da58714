from pathlib import Path

import pytest

from routing.travel.build import build
from routing.travel.testing import write_osm


@pytest.fixture(scope="session")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the map of the small country."""
    place = tmp_path_factory.mktemp("country")
    build(write_osm(place / "country.osm"), place / "roads", say=lambda _: None)
    return place / "roads"

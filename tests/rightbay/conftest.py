"""One running instance for all tests that only talk to it."""

from collections.abc import Iterator

import pytest

from rightbay.testing import Running, running_instance


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Tests share it, so each takes units and sites of its own."""
    with running_instance(tmp_path_factory.mktemp("an instance")) as instance:
        yield instance

"""What the gateway needs from the world, in its own words."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.model import DeadLetter, Report
from gateway.vehicles import Kind


class ReportStore(Protocol):
    """Where reports become durable."""

    async def store(self, reports: Sequence[Report], dead_letters: Sequence[DeadLetter]) -> None:
        """Store a batch in one transaction and return after its COMMIT.

        Idempotent: a report whose id is known is skipped if its digest is the same, and becomes a
        dead letter (``id_conflict``) if not. After the return every report given is answered for:
        its unit may be told that it can forget it.

        Args:
            reports: At most ``service.BATCH_REPORTS_MAX``; one unit may occur several times.
            dead_letters: Messages that are no reports.

        Raises:
            StoreUnavailableError: Nothing is known to be stored; the caller may try again.
            ReportRefusedError: Nothing was stored, and never will be with this batch.
        """


class VehicleRegister(Protocol):
    """Where vehicles are registered."""

    async def kinds_of(self, makes: Sequence[str]) -> Mapping[str, Kind]:
        """Find all vehicles of some makes.

        Args:
            makes: In lower case.

        Returns:
            Unit to make and model, as they were written; at most ``vehicles.KINDS_MAX``.

        Raises:
            StoreUnavailableError: The caller may try again.
        """

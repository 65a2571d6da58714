"""Keeps what is known of vehicles fresh while the gateway runs: files and the register.

The one loop of this room beside `gateway.service`. What cannot be read changes nothing: it is
logged once, and what was known goes on being used.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from gateway.errors import StoreUnavailableError
from gateway.ports import VehicleRegister
from gateway.signals.errors import SignalFileError
from gateway.signals.folder import LIST, SignalFolder
from gateway.vehicles import Vehicles

LOOK_S = 1.0
"""Between two looks at the files, which cost a system call each."""
REGISTER_S = 30.0
"""A vehicle that is registered meanwhile is read as its make asks after at most this time."""

log = logging.getLogger("rightbay.signals")


class Keeper:
    """Brings files and register into `vehicles`.

    Args:
        vehicles: What is kept fresh.
        folder: Of the operator's files.
        register: Tells makes and models.
    """

    def __init__(self, vehicles: Vehicles, folder: SignalFolder, register: VehicleRegister) -> None:
        self._vehicles = vehicles
        self._folder = folder
        self._register = register
        self._asked_s: float | None = None

    async def look(self, *, now_s: float) -> None:
        """Look once at the files, and at the register where it is time or the files changed."""
        try:
            # A large file takes seconds to parse; reports are taken meanwhile.
            is_new = await asyncio.to_thread(self._folder.refresh, now_s=now_s)
        except SignalFileError as error:
            log.warning("signals_refused", extra={"reason": str(error)})
            is_new = False
        library = self._folder.library
        if is_new:
            log.info("signals_loaded", extra={"tables": len(library), "list": LIST})
            self._vehicles.facts = replace(self._vehicles.facts, library=library)
        is_due = self._asked_s is None or now_s - self._asked_s >= REGISTER_S
        if library.makes and (is_new or is_due):
            await self._ask(library.makes, now_s=now_s)

    async def _ask(self, makes: tuple[str, ...], *, now_s: float) -> None:
        try:
            kinds = await self._register.kinds_of(makes)
        except StoreUnavailableError as error:
            log.warning("register_unread", extra={"reason": str(error)})
            return
        self._asked_s = now_s
        if kinds != self._vehicles.facts.kinds:
            self._vehicles.facts = replace(self._vehicles.facts, kinds=kinds)

    async def serve(self, *, clock_s: Callable[[], float]) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look(now_s=clock_s())

"""Whose signatures count: the operator's folder, read anew for each credential that is shown.

trust.json   the trust list
*.jwt        status lists, each by the id within it
"""

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from routing.competence.catalogue import load_catalogue
from routing.credentials.jws import take_apart
from routing.credentials.status import StatusLists
from routing.credentials.trust import TrustList, parse_trust_list
from routing.credentials.verdict import RefusedError
from storage.register.signed import Trusted

LISTS_MAX, FILE_BYTES_MAX = 100, 1 << 20
NOBODY = Trusted(TrustList({}), StatusLists({}))


def load_trust(folder: Path) -> Trusted:
    """Read the folder; what is too large, or no status list, is passed over.

    Raises:
        DataFileError: If the trust list breaks its form: nobody is trusted by half of one.
        OSError: If it cannot be read.
    """
    issuers = parse_trust_list((folder / "trust.json").read_bytes(), catalogue=load_catalogue())
    lists: dict[str, str] = {}
    for file in sorted(folder.glob("*.jwt"))[:LISTS_MAX]:
        if file.stat().st_size > FILE_BYTES_MAX:
            continue
        text = file.read_text("utf-8").strip()
        try:
            name = take_apart(text).payload.get("id")
        except RefusedError:
            continue
        if isinstance(name, str):
            lists[name] = text
    return Trusted(issuers, StatusLists(lists))


async def trusted(request: Request) -> Trusted:
    """Whose signatures count now; nobody's if the operator named no folder."""
    folder: Path | None = request.app.state.trust
    return NOBODY if folder is None else await asyncio.to_thread(load_trust, folder)


Trust = Annotated[Trusted, Depends(trusted)]

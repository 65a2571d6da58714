"""What happened in a fleet, told as it happens: lines for machines, and an account of receipts."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import IO, Self

from simulators.errors import SettingsError
from simulators.model import Event, EventKind


class Teller:
    """Prints events and appends receipts to an account; from any thread.

    The account has one line for each receipt: ``{"unit": …, "id": …}``. It is written before the
    unit lets the report go, so after any death of the process every report is in the account, in
    a spool, or in both.
    """

    def __init__(self, out: IO[str], *, account: Path | None, lost: Callable[[], None]) -> None:
        """Open the account, which may exist already.

        Args:
            out: Where the lines go.
            account: Where receipts go; None for no account.
            lost: Called when nobody reads the lines any more; nothing is raised for that.

        Raises:
            SettingsError: If it cannot be written.
        """
        self._out = out
        self._lost = lost
        self._lock = threading.Lock()
        self._latest_fault_s: dict[str, float] = {}
        self.counts: Counter[EventKind] = Counter()
        try:
            self._account = account.open("a", encoding="utf-8") if account else None
        except OSError as error:
            raise SettingsError(f"cannot write the account {account}: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._account is not None:
            self._account.close()

    def tell(self, event: Event) -> None:
        """Take one event."""
        with self._lock:
            self.counts[event.kind] += 1
            if event.kind is EventKind.FAULT_SET:
                self._latest_fault_s[event.unit] = event.at_s
            if event.kind is EventKind.RECEIPT and self._account is not None:
                self._account.write(_dump({"unit": event.unit, "id": event.id}))
                self._account.flush()
            try:
                self._out.write(format_event(event, fault_s=self._latest_fault_s.get(event.unit)))
                self._out.flush()
            except BrokenPipeError:
                self._lost()


def format_event(event: Event, *, fault_s: float | None) -> str:
    """Format an event as one line of JSON; what is not known is left out.

    Args:
        event: What happened.
        fault_s: When the vehicle's latest fault was set, if one was.
    """
    line: dict[str, object] = {"event": str(event.kind)}
    for field in fields(event):
        value = getattr(event, field.name)
        if field.name in ("kind", "body") or value in (None, "", ()):
            continue
        line[field.name] = round(value, 6) if isinstance(value, float) else value
    if event.kind is EventKind.REFERRAL:
        if fault_s is not None:
            line["since_fault_s"] = round(event.at_s - fault_s, 6)
        line |= _referral(event.body or b"")
    return _dump(line)


def _referral(body: bytes) -> Mapping[str, object]:
    """The referral as it came; what is no JSON is shown as text."""
    try:
        referral = json.loads(body)
    except ValueError:
        return {"text": "not JSON", "raw": body.decode("utf-8", "replace")}
    identity = referral.get("id") if isinstance(referral, dict) else None
    return {"referral": referral, **({"id": identity} if isinstance(identity, str) else {})}


def _dump(line: Mapping[str, object]) -> str:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"

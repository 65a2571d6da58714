import io
import json
from pathlib import Path
from typing import Any

import pytest

from simulators.account import Teller, format_event
from simulators.errors import SettingsError
from simulators.model import Event, EventKind


def line(event: Event, *, fault_s: float | None = None) -> dict[str, Any]:
    text = format_event(event, fault_s=fault_s)
    assert text.endswith("\n")
    assert text.count("\n") == 1
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def test_a_line_says_what_is_known_and_nothing_else() -> None:
    event = Event(kind=EventKind.REPORT_SENT, at_s=1.5, unit="bev-0001", id="a")
    assert line(event, fault_s=1.0) == {
        "event": "report_sent",
        "at_s": 1.5,
        "unit": "bev-0001",
        "id": "a",
    }


def test_a_referral_comes_whole_with_its_latencies() -> None:
    body = {"id": "r-1", "why": "Zündung\n"}
    event = Event(
        kind=EventKind.REFERRAL,
        at_s=12.0,
        unit="u",
        body=json.dumps(body).encode(),
        since_report_s=0.25,
    )
    assert line(event, fault_s=11.5) == {
        "event": "referral",
        "at_s": 12.0,
        "unit": "u",
        "since_report_s": 0.25,
        "since_fault_s": 0.5,
        "referral": body,
        "id": "r-1",
    }


@pytest.mark.parametrize("body", [b"", b"\xff{", b"not json"])
def test_a_referral_that_is_no_json_is_shown_all_the_same(body: bytes) -> None:
    shown = line(Event(kind=EventKind.REFERRAL, at_s=1.0, unit="u", body=body))
    assert shown["text"] == "not JSON"


@pytest.mark.parametrize("body", [b"[1]", b"null", b'{"id": 3}'])
def test_a_referral_without_an_id_has_none(body: bytes) -> None:
    shown = line(Event(kind=EventKind.REFERRAL, at_s=1.0, unit="u", body=body))
    assert "id" not in shown
    assert shown["referral"] == json.loads(body)


def receipt(report_id: str) -> Event:
    return Event(kind=EventKind.RECEIPT, at_s=1.0, unit="u", id=report_id)


def test_the_account_holds_each_receipt_as_soon_as_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "account"
    path.write_text('{"unit":"u","id":"before"}\n')
    with Teller(io.StringIO(), account=path, lost=pytest.fail) as teller:
        teller.tell(receipt("a"))
        teller.tell(Event(kind=EventKind.RESEND, at_s=1.0, unit="u", id="b"))
        held = [json.loads(text)["id"] for text in path.read_text().splitlines()]
        assert held == ["before", "a"]
        assert teller.counts == {EventKind.RECEIPT: 1, EventKind.RESEND: 1}


def test_a_lost_reader_ends_nothing_but_is_told(tmp_path: Path) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    lost: list[bool] = []
    path = tmp_path / "account"
    with Teller(Gone(), account=path, lost=lambda: lost.append(True)) as teller:
        teller.tell(receipt("a"))
    assert lost == [True]
    assert "a" in path.read_text()


def test_an_account_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot write the account"):
        Teller(io.StringIO(), account=tmp_path / "nowhere" / "account", lost=pytest.fail)

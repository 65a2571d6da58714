"""The demo shows referrals, ends by itself, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from io import StringIO
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from rightbay.demo.run import ShownReferral, Summary
from rightbay.demo.view import JsonView, TerminalView, card, summary_json

DOCUMENT = {
    "referral": "r1",
    "faults": [{"code": "P0AA6", "text": "isolation fault"}],
    "urgency": "tow",
    "driver_action": "Stop.",
    "need": {"skills": {"all": ["hv.live", {"any": ["a", "b"]}]}, "equipment": ["hv.tools"]},
    "vehicle": {"powertrain": "bev", "vehicle_class": "car"},
    "arrival": "towed",
    "offers": [
        {
            "name": "Far",
            "distance_m": 9000,
            "travel_s": 600,
            "why": ["open when you arrive", "Near is nearer"],
        }
    ],
    "excluded": [
        {"name": "Near", "distance_m": 1000, "why": "nobody there can show it"},
        {"name": "Next", "distance_m": 2000, "why": "closed"},
    ],
    "notices": ["You are free to go elsewhere."],
}


def printed(shown: ShownReferral) -> str:
    console = Console(record=True, width=120, file=StringIO())
    console.print(card(shown))
    return console.export_text()


def test_a_card_says_where_to_go_why_and_why_not_nearer() -> None:
    text = printed(ShownReferral(unit="u1", document=DOCUMENT, since_report_s=0.0421))
    for words in (
        "P0AA6",
        "Stop.",
        "hv.live, (a or b), hv.tools",
        "Far  9.0 km, 10 min; is towed there",
        "why    open when you arrive",
        "Near, 1.0 km: nobody there can show it  (and 1 more)",
        "42 ms",
    ):
        assert words in text
    assert "Near is nearer" not in text, "that has a line of its own"


def test_a_card_without_anybody_says_what_to_do() -> None:
    text = printed(
        ShownReferral(unit="u1", document={**DOCUMENT, "offers": []}, since_report_s=None)
    )
    assert "You are free to go elsewhere." in text


def test_a_machine_gets_one_object_for_each_referral_and_the_summary_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = JsonView(Console(file=sys.stdout))
    view.ready(api_url="", sites=1, vehicles=1)
    view.referral(ShownReferral(unit="u1", document=DOCUMENT, since_report_s=0.0421))
    view.done(Summary(latencies_s=[0.0421]))
    first, last = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["referral"], first["unit"], first["latency_ms"]) == ("r1", "u1", 42.1)
    assert last["summary"]["latency_p99_ms"] == 42.1


def test_nothing_measured_is_nothing_claimed() -> None:
    summary = summary_json(Summary())
    assert summary["latency_p50_ms"] is None
    assert summary["first_referral_s"] is None


def test_percentiles_lie_where_they_should() -> None:
    summary = Summary(latencies_s=[number / 1000 for number in range(1, 102)])
    assert (summary.latency_ms(50), summary.latency_ms(99)) == (51, 100)


def test_a_pipe_is_not_drawn_on() -> None:
    out = StringIO()
    view = TerminalView(Console(file=out))
    view.starting("something")
    view.close()
    assert out.getvalue() == ""


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-m", "rightbay", "demo", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def children(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.fixture
def open_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="rb"))


@pytest.mark.chaos
def test_it_shows_referrals_and_leaves_no_process_and_no_file(open_folder: Path) -> None:
    process = start(open_folder, "--vehicles", "4", "--seconds", "8", "--json")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    started = children(process)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    *referrals, last = (json.loads(line) for line in out.splitlines())
    shown = {each["referral"] for each in (first, *referrals)}
    assert len(shown) == 1 + len(referrals) == last["summary"]["referrals"]
    assert last["summary"]["receipts"] == last["summary"]["reports"] > 0
    assert last["summary"]["referrals_with_offers"] == len(shown)
    assert len(started) >= 7, "two servers, four roles and the fleet"
    assert [each for each in started if each.is_running() and not is_zombie(each)] == []
    assert list(open_folder.iterdir()) == []
    open_folder.rmdir()


@pytest.mark.chaos
def test_ctrl_c_ends_it_in_good_order(open_folder: Path) -> None:
    process = start(open_folder, "--vehicles", "2", "--seconds", "60", "--json")
    assert process.stdout is not None
    process.stdout.readline()
    started, asked_s = children(process), time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - asked_s < 15
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "summary" in json.loads(out.splitlines()[-1])
    assert [each for each in started if each.is_running() and not is_zombie(each)] == []
    assert list(open_folder.iterdir()) == []
    open_folder.rmdir()


def is_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True

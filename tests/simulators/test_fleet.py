import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from simulators.unit.mqtt import BrokerAddress, Connection

pytestmark = pytest.mark.integration


def command(url: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "simulators.fleet", "--broker", url, *options]


class Gateway:
    """Takes reports; says what has been received if, and as long as, it is told to."""

    def __init__(self, url: str) -> None:
        self.reports: list[tuple[str, dict[str, Any]]] = []
        self.gives_receipts = True
        self._line = Connection(
            BrokerAddress.parse(url),
            client_id=f"gateway-{id(self)}",
            topics=("rb/1/+/up/report",),
            on_change=lambda _is_ready, _text: None,
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._line.open()
        while not self._line.is_ready:
            time.sleep(0.01)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._line.close()

    def _run(self) -> None:
        while not self._stopping.wait(0.01):
            while not self._line.inbox.empty():
                arrival = self._line.inbox.get()
                unit = arrival.topic.split("/")[2]
                report = json.loads(arrival.payload)
                self.reports.append((unit, report))
                if self.gives_receipts:
                    receipt = json.dumps({"ids": [report["id"]]}).encode()
                    referral = json.dumps({"id": f"r-{report['id']}"}).encode()
                    self._line.publish(f"rb/1/{unit}/down/receipt", receipt)
                    self._line.publish(f"rb/1/{unit}/down/referral", referral)


@contextmanager
def gateway(url: str) -> Iterator[Gateway]:
    made = Gateway(url)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def ids(account: Path) -> list[str]:
    return [json.loads(line)["id"] for line in account.read_text().splitlines()]


def test_a_fleet_reports_its_faults_and_shows_its_referrals(
    broker_url: str, tmp_path: Path
) -> None:
    account = tmp_path / "account"
    with gateway(broker_url) as taken:
        done = subprocess.run(
            command(
                broker_url,
                *("--vehicles", "4", "--seconds", "6", "--faults-over", "1"),
                *("--account", str(account), "--spool", str(tmp_path / "spool")),
            ),
            capture_output=True,
            check=False,
            timeout=60,
            text=True,
        )
    assert (done.returncode, done.stderr) == (0, "")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    started = next(event for event in events if event["event"] == "started")
    faults = [event for event in events if event["event"] == "fault_set"]
    assert faults[0]["at_s"] - started["at_s"] < 1
    assert len({event["unit"] for event in faults}) == 4
    sent = [event["id"] for event in events if event["event"] == "report_sent"]
    receipts = [event["id"] for event in events if event["event"] == "receipt"]
    assert sorted(sent) == sorted(receipts) == sorted(ids(account))
    assert {report["id"] for _, report in taken.reports} == set(sent)
    told = {event["unit"] for event in events if event.get("since_fault_s", -1) >= 0}
    assert told == {event["unit"] for event in faults}
    assert all(event["referral"]["id"] for event in events if event["event"] == "referral")
    assert events[-1]["event"] == "stopped"


def test_a_killed_fleet_sends_again_what_it_holds_no_receipt_for(
    broker_url: str, tmp_path: Path
) -> None:
    options = ("--vehicles", "3", "--faults-over", "0", "--spool", str(tmp_path / "spool"))
    account = tmp_path / "account"
    with gateway(broker_url) as taken:
        taken.gives_receipts = False
        with subprocess.Popen(
            command(broker_url, *options), stdout=subprocess.PIPE, stdin=subprocess.PIPE
        ) as fleet:
            deadline_s = time.monotonic() + 30
            while len({unit for unit, _ in taken.reports}) < 3:
                assert time.monotonic() < deadline_s
                time.sleep(0.05)
            fleet.send_signal(signal.SIGKILL)
        before = {(unit, report["id"]) for unit, report in taken.reports}
        first = [report for _, report in taken.reports]
        taken.gives_receipts = True
        subprocess.run(
            command(broker_url, *options, "--seconds", "7", "--account", str(account)),
            check=True,
            capture_output=True,
            timeout=60,
        )
        again = [report for unit, report in taken.reports if (unit, report["id"]) in before]
    assert {report["id"] for report in first} <= set(ids(account))
    assert all(report in first for report in again)  # the same id, the same content
    assert len(again) > len(first)


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "stdin"])
def test_a_fleet_ends_when_it_is_told_to(broker_url: str, tmp_path: Path, how: str) -> None:
    with subprocess.Popen(
        command(broker_url, "--vehicles", "2"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"TMPDIR": str(tmp_path)},
    ) as fleet:
        assert fleet.stdout is not None
        assert fleet.stdin is not None
        while b'"started"' not in fleet.stdout.readline():
            pass
        assert list(tmp_path.iterdir())  # the units' memories
        if how == "stdin":
            fleet.stdin.close()
        else:
            fleet.send_signal(getattr(signal, how))
        lines = fleet.stdout.readlines()
        assert fleet.wait(timeout=10) == 0
    assert json.loads(lines[-1])["event"] == "stopped"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("--broker", "http://h"), 2, "error: a broker is mqtt://host:port"),
        (("--broker", "mqtt://h", "--bbox", "3,2,1,0"), 2, "error: a box is"),
        (("--broker", "mqtt://h", "--vehicles", "0"), 2, "--vehicles"),
        (("--broker", "mqtt://h", "--channel", "vcan0"), 2, "error: a channel holds"),
        ((), 2, "--broker"),
        (("--broker", "mqtt://h", "--interface", "nowhere"), 1, "nowhere"),
        (("--broker", "mqtt://h", "--spool", "/dev/null/x"), 1, "error: cannot keep reports in"),
        (("--broker", "mqtt://h", "--account", "/dev/null/x"), 2, "error: cannot write the acc"),
    ],
)
def test_wrong_usage_is_said_in_a_line(options: tuple[str, ...], code: int, text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulators.fleet", *options],
        capture_output=True,
        check=False,
        timeout=30,
        text=True,
    )
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""

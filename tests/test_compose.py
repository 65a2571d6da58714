"""The compose file is valid, and describes the same parts as `rightbay up`.

Neither Docker nor its images are needed: what is checked is what is written.
"""

import json
import re
import shutil
import subprocess
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema.validators import validator_for

from rightbay.cli import COMMANDS
from rightbay.settings import load_settings

ROOT = Path(__file__).parent.parent
PUBLISHED = "127.0.0.1:"


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return document


def faults(document: dict[str, Any]) -> list[str]:
    """What the Compose specification's schema has against a document."""
    # The package ships the specification's own schema; nothing else of it is used.
    package = find_spec("check_jsonschema")
    if package is None or package.origin is None:
        pytest.skip("NOT TESTED: check-jsonschema is not installed")
    vendored = Path(package.origin).parent / "builtin_schemas" / "vendor"
    schema = json.loads((vendored / "compose-spec.json").read_text(encoding="utf-8"))
    validator = validator_for(schema)(schema)
    return [error.message for error in validator.iter_errors(document)]


def test_the_file_is_valid_by_the_schema_of_the_specification() -> None:
    assert faults(compose()) == []


@pytest.mark.parametrize(
    ("service", "key", "value"),
    [
        ("api", "comand", ["api"]),
        ("api", "ports", {"8080": 8080}),
        ("postgres", "healthcheck", {"test": 1}),
        ("migrate", "depends_on", {"postgres": {"condition": "service_is_up"}}),
    ],
)
def test_the_schema_finds_what_is_wrong(service: str, key: str, value: object) -> None:
    document = compose()
    document["services"][service][key] = value
    assert faults(document)


def ours() -> dict[str, dict[str, Any]]:
    return {
        name: service
        for name, service in compose()["services"].items()
        if service["image"] == "rightbay"
    }


def test_every_role_and_nothing_else_of_ours_is_a_service() -> None:
    roles = {name for name, entry in COMMANDS.items() if entry.module == "roles"}
    assert set(ours()) == roles | {"migrate"}
    for name, service in ours().items():
        assert service["command"] == [name]


def test_the_image_is_built_once() -> None:
    assert [name for name, service in ours().items() if "build" in service] == ["migrate"]


def test_every_service_has_settings_that_the_service_itself_accepts() -> None:
    for service in ours().values():
        environment = {
            name: re.sub(r"\$\{(\w+):\?[^}]*\}", "secret", value)
            for name, value in service["environment"].items()
        }
        settings = load_settings(environment)
        assert settings.database_url == "postgresql://rightbay:secret@postgres:5432/rightbay"
        assert settings.broker_url == "mqtt://broker:1883"


def test_no_password_stands_in_the_file_and_a_missing_one_stops_the_start() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    given = re.findall(r"\$\{POSTGRES_PASSWORD(.*?)\}", text)
    assert len(given) == 2
    assert all(form.startswith(":?") for form in given)
    assert re.findall(r"://\w+:(?!\$\{)[^@\s/]+@", text) == []


def test_ports_are_published_to_this_machine_only() -> None:
    published = [
        port for service in compose()["services"].values() for port in service.get("ports", ())
    ]
    assert len(published) == 2
    assert all(port.startswith(PUBLISHED) for port in published)


def test_every_role_waits_for_the_schema_and_for_the_broker() -> None:
    for name, service in ours().items():
        if name != "migrate":
            assert service["depends_on"] == {
                "migrate": {"condition": "service_completed_successfully"},
                "broker": {"condition": "service_healthy"},
            }


def test_files_that_are_mounted_exist_and_volumes_are_declared() -> None:
    document = compose()
    for service in document["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).is_file()
            else:
                assert source in document["volumes"]


def test_the_broker_accepts_its_configuration() -> None:
    server = shutil.which("nats-server", path=sysconfig.get_path("scripts"))
    assert server is not None
    config = ROOT / "deploy" / "nats.conf"
    checked = subprocess.run([server, "-t", "-c", config], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_the_image_checks_hashes_and_runs_as_nobody_in_particular() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert "--require-hashes --requirement requirements/run.txt" in text
    assert re.findall(r"^USER (\d+)$", text, re.MULTILINE) not in ([], ["0"])


def test_the_image_gets_everything_that_is_needed_and_nothing_more() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    kept = {line.removeprefix("!").rstrip("/") for line in ignored if line.startswith("!")}
    rooms = {entry.parent.name for entry in ROOT.glob("*/py.typed")}
    assert kept == rooms | {"requirements/run.txt", "pyproject.toml", "README.md", "LICENSE"}
    assert "*" in ignored

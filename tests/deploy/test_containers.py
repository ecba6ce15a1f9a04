"""The Dockerfile and the compose files: what they say is sound, and what they start can be asked.

There is no container engine where tests run: images are not built here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose, parse_duration

from tests.deploy.asking import DEPLOY, command_of, settings_of
from tests.deploy.probing import HERE, exit_code, listens, running
from tests.servers.postgres import free_port

DOCKERFILE = DEPLOY / "docker/Dockerfile"
COMPOSED = sorted((DEPLOY / "compose").glob("*.yaml"))


def instructions(last_stage: str) -> list[tuple[str, str]]:
    """Instruction and text, with what is on further lines."""
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", last_stage, flags=re.M))
    return [
        (word, text) for word, _, text in (x.partition(" ") for x in joined.splitlines()) if word
    ]


IMAGE = instructions(DOCKERFILE.read_text().rpartition("\nFROM ")[2])


def said(word: str) -> str:
    """The text of the instruction; it is there once."""
    [text] = [text for found, text in IMAGE if found == word]
    return text


def image_environment() -> dict[str, str]:
    pairs = (each.split("=", 1) for each in said("ENV").split())
    return {name: value for name, value in pairs if name.startswith("ONBEAT_")}


def health_check() -> list[str]:
    command: list[str] = json.loads(said("HEALTHCHECK").partition(" CMD ")[2])
    return command


def services() -> list[tuple[str, str, dict[str, Any]]]:
    """Those of our image, in each file."""
    return [
        (file.name, name, service)
        for file in COMPOSED
        for name, service in yaml.safe_load(file.read_text())["services"].items()
        if service["image"] == "onbeat"
    ]


def environment_of(service: dict[str, Any]) -> dict[str, str]:
    """What the process is given; the password is one."""
    own = {
        name: re.sub(r"\$\{.*?\}", "pw", value) for name, value in service["environment"].items()
    }
    return {**image_environment(), **own}


each_service = pytest.mark.parametrize(
    ("file", "name", "service"), services(), ids=lambda x: x if isinstance(x, str) else ""
)
each_file = pytest.mark.parametrize("file", COMPOSED, ids=lambda file: file.stem)


def test_hadolint_finds_nothing_wrong_with_the_dockerfile() -> None:
    program = Path(sys.executable).with_name("hadolint")

    found = subprocess.run(
        [str(program), str(DOCKERFILE)], capture_output=True, text=True, check=False, timeout=60
    )

    assert (found.returncode, found.stdout) == (0, "")


def test_the_image_starts_what_our_command_line_takes_without_a_shell_between() -> None:
    assert json.loads(said("ENTRYPOINT")) == ["onbeat"]
    assert command_of(json.loads(said("CMD"))) == "up"


def test_the_image_runs_as_nobody_in_particular_and_writes_to_its_volume_alone() -> None:
    settings = settings_of(image_environment())

    assert said("USER") == "10001:10001"
    assert settings.db.startswith(f"sqlite:///{said('VOLUME')}/")
    assert settings.port == int(said("EXPOSE"))


def test_all_that_the_image_is_built_from_is_let_in() -> None:
    root = DEPLOY.parent
    let_in = [x[1:] for x in (root / ".dockerignore").read_text().splitlines() if x[0] == "!"]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.M)

    needed = {path.split("/")[0] for line in copied for path in line.split()}
    assert needed == set(let_in)
    assert all((root / path).exists() for path in needed)


def test_the_check_of_the_image_sees_whether_it_is_ready(place: Path) -> None:
    asked = {**image_environment(), "ONBEAT_APP": "shop:ob", "ONBEAT_PORT": str(free_port())}

    with running(json.loads(said("CMD")), asked) as own:
        assert listens(own["ONBEAT_PORT"], "/readyz")
        assert exit_code(health_check(), own) == 0

    assert exit_code(health_check(), own) != 0


@each_file
def test_a_compose_file_is_one(file: Path) -> None:
    PyCompose.from_json(json.dumps(yaml.safe_load(file.read_text()))).validate()


@each_file
def test_the_reader_of_compose_files_refuses_what_is_none(file: Path) -> None:
    wrong = yaml.safe_load(file.read_text())
    next(iter(wrong["services"].values()))["reed_only"] = True

    with pytest.raises(ValueError, match="reed_only"):
        PyCompose.from_json(json.dumps(wrong))


@each_service
def test_what_a_service_starts_our_command_line_takes(
    file: str, name: str, service: dict[str, Any]
) -> None:
    expected = {"onbeat": "up", "migrate": "db migrate", "counting": "run"}

    assert command_of(service["command"]) == expected.get(name, name)


@each_service
def test_a_service_has_time_to_end_and_may_write_nowhere(
    file: str, name: str, service: dict[str, Any]
) -> None:
    grace = settings_of(environment_of(service)).shutdown_grace

    assert parse_duration(service["stop_grace_period"]) >= grace.total_seconds() + 10
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["restart"] in {"unless-stopped", "on-failure"}
    assert (DEPLOY / "compose" / service["build"]["context"] / "pyproject.toml").exists()


@each_service
def test_a_service_runs_as_it_is_composed_and_its_check_holds(
    file: str, name: str, service: dict[str, Any], place: Path
) -> None:
    ports = {name: str(free_port()) for name in ("ONBEAT_PORT", "ONBEAT_PROBE_PORT")}
    environment = {**environment_of(service), **ports}
    here = {**environment, **HERE}
    assert exit_code(["onbeat", "db", "migrate"], here) == 0
    if name == "migrate":
        assert exit_code(["onbeat", *service["command"]], here) == 0
        return
    check = service.get("healthcheck", {"test": ["CMD", *health_check()]})["test"]

    with running(service["command"], environment) as own:
        [port] = [ports[name] for name in ports if f'"{name}"' in check[-1]]
        assert listens(port, "/livez", "/readyz")
        assert exit_code(check[1:], own) == 0


def test_the_fleet_waits_for_its_tables() -> None:
    fleet = yaml.safe_load((DEPLOY / "compose/compose.postgres.yaml").read_text())["services"]

    waiting = {name for name, each in fleet.items() if "migrate" in each.get("depends_on", {})}
    assert waiting == {"scheduler", "worker", "counting", "api"}
    assert fleet["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert fleet["scheduler"]["deploy"]["replicas"] == 2

"""The units for systemd and the Procfile: what each starts is there, and has time to end."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.asking import DEPLOY, command_of, settings_of

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PROGRAM = "/srv/onbeat/.venv/bin/onbeat"
ANALYZE = shutil.which("systemd-analyze")
SHARED = "onbeat.env"
OWN = {"onbeat-worker@": "worker-%i.env", "onbeat-service@": "service-%i.env"}


def entries(unit: Path) -> list[tuple[str, str]]:
    """Its lines, key and value; some keys are there more than once."""
    lines = [line for line in unit.read_text().splitlines() if line and line[0] not in "#["]
    return [(key, value) for key, _, value in (line.partition("=") for line in lines)]


def values(unit: Path, key: str) -> list[str]:
    return [value for found, value in entries(unit) if found == key]


def environment() -> dict[str, str]:
    """What the file that all units share says."""
    lines = (DEPLOY / "systemd" / SHARED).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def hardening(unit: Path) -> str:
    """From what it may do to the end."""
    return unit.read_text().partition("# What it may do")[2]


units = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)


@units
def test_what_a_unit_starts_our_command_line_takes(unit: Path) -> None:
    [start] = values(unit, "ExecStart")
    program, *arguments = shlex.split(start.replace("%i", "csv-import"))

    assert program == PROGRAM
    assert command_of(arguments) in {"up", "scheduler", "worker", "run", "api"}


@units
def test_a_unit_gives_jobs_more_time_to_end_than_the_grace(unit: Path) -> None:
    [patience] = values(unit, "TimeoutStopSec")

    grace = settings_of(environment()).shutdown_grace.total_seconds()
    assert int(patience) >= grace + 10


@units
def test_the_variables_of_a_unit_are_settings(unit: Path) -> None:
    own = dict(each.split("=", 1) for each in values(unit, "Environment"))

    settings_of({**environment(), **own})


@units
def test_a_unit_reads_the_file_that_all_share_and_then_its_own(unit: Path) -> None:
    own = [f"-/etc/onbeat/{OWN[unit.stem]}"] if unit.stem in OWN else []

    assert values(unit, "EnvironmentFile") == [f"/etc/onbeat/{SHARED}", *own]


@units
def test_a_unit_is_watched_and_started_anew(unit: Path) -> None:
    said = dict(entries(unit))

    assert said["Type"] == "notify"
    assert int(said["WatchdogSec"]) >= 10
    assert (said["Restart"], said["StartLimitIntervalSec"]) == ("always", "0")


@units
def test_all_units_may_do_as_little(unit: Path) -> None:
    said = dict(entries(unit))

    assert hardening(unit) == hardening(UNITS[0])
    assert (said["NoNewPrivileges"], said["ProtectSystem"]) == ("yes", "strict")
    assert (said["StateDirectory"], said["User"]) == ("onbeat", "onbeat")


def test_the_file_of_sqlite_lies_where_a_unit_may_write() -> None:
    assert environment()["ONBEAT_DB"].startswith("sqlite:////var/lib/onbeat/")


@pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze here")
def test_systemd_finds_nothing_wrong_with_them(tmp_path: Path) -> None:
    """Of copies, which start a program that is on this machine; templates by an instance."""
    copies = []
    for unit in UNITS:
        copies.append(tmp_path / unit.name.replace("@.", "@mail."))
        copies[-1].write_text(unit.read_text().replace(PROGRAM, sys.executable))

    found = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", *map(str, copies)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert about(copies, found.stdout + found.stderr) == []
    assert found.returncode == 0


def about(copies: list[Path], said: str) -> list[str]:
    """What is said of our units, and not of others that a machine has."""
    return [line for line in said.splitlines() if any(each.name in line for each in copies)]


def test_what_the_procfile_starts_our_command_line_takes() -> None:
    lines = [line.split(": ", 1) for line in (DEPLOY / "Procfile").read_text().splitlines()]

    asked = {name: shlex.split(line) for name, line in lines}
    assert {program for program, *_ in asked.values()} == {"onbeat"}
    assert {name: command_of(line[1:]) for name, line in asked.items()} == {
        "release": "db migrate", "scheduler": "scheduler", "worker": "worker", "api": "api",
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong", ["worker --quues mail", "workers up", "wroker", "worker --concurrency many", "run -x"]
)
def test_a_command_line_that_ours_does_not_take_is_seen(wrong: str) -> None:
    with pytest.raises(Exception, match=r"No such|not a valid|integer"):
        command_of(shlex.split(wrong))


def test_a_variable_that_is_no_setting_is_seen() -> None:
    with pytest.raises(AssertionError):
        settings_of({"ONBEAT_QUEUS": "mail"})

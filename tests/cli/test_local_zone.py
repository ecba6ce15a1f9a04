"""This machine's zone is named, or asked for: never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from onbeat.cli.local_zone import local_zone
from onbeat.domain.errors import InvalidInput

ZONES = "/usr/share/zoneinfo"


def told(etc: Path, **environ: str) -> str:
    return local_zone(environ, etc)


@pytest.mark.parametrize("value", ["Europe/Paris", ":Europe/Paris", f":{ZONES}/Europe/Paris"])
def test_the_variable_comes_first(tmp_path: Path, value: str) -> None:
    (tmp_path / "localtime").symlink_to(f"{ZONES}/Asia/Tokyo")

    assert told(tmp_path, TZ=value) == "Europe/Paris"


@pytest.mark.parametrize(
    "target", [f"{ZONES}/Asia/Tokyo", "../usr/share/zoneinfo/posix/Asia/Tokyo"]
)
def test_the_link_comes_next(tmp_path: Path, target: str) -> None:
    (tmp_path / "localtime").symlink_to(target)
    (tmp_path / "timezone").write_text("Europe/Paris\n")

    assert told(tmp_path, TZ="") == "Asia/Tokyo"


def test_a_copy_goes_by_the_name_beside_it(tmp_path: Path) -> None:
    (tmp_path / "localtime").write_bytes(b"TZif2")
    (tmp_path / "timezone").write_text("Europe/Paris\n")

    assert told(tmp_path) == "Europe/Paris"


def test_a_machine_without_a_zone_is_in_utc(tmp_path: Path) -> None:
    assert told(tmp_path) == "UTC"


def test_a_copy_without_a_name_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "localtime").write_bytes(b"TZif2")

    with pytest.raises(InvalidInput, match="give --tz"):
        told(tmp_path)


def test_a_rule_is_no_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"tz: TZ says 'CET-1CEST', .* give --tz"):
        told(tmp_path, TZ="CET-1CEST")

"""Which start of the machine this is."""

from __future__ import annotations

from pathlib import Path

import pytest

from onbeat.runtime.machine import boot_id


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A folder like /proc."""
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "1").mkdir()
    write(tmp_path, "aaaa-bbbb", started=100)
    return tmp_path


def write(proc: Path, kernel: str, started: int) -> None:
    fields = ["S", *["0"] * 18, str(started), "0"]
    (proc / "sys/kernel/random/boot_id").write_text(f"{kernel}\n")
    (proc / "1/stat").write_text(f"1 (a (b) c) {' '.join(fields)}\n")


def test_it_stays_the_same_within_a_boot(proc: Path) -> None:
    assert boot_id(proc) == boot_id(proc) == "aaaa-bbbb/100"


def test_another_boot_of_the_kernel_is_another(proc: Path) -> None:
    before = boot_id(proc)
    write(proc, "cccc", started=100)

    assert boot_id(proc) != before


def test_another_start_of_a_container_is_another(proc: Path) -> None:
    before = boot_id(proc)
    write(proc, "aaaa-bbbb", started=200)

    assert boot_id(proc) != before


def test_a_system_that_does_not_tell_has_none(tmp_path: Path) -> None:
    assert boot_id(tmp_path) is None


def test_this_machine_tells_its_own() -> None:
    assert boot_id()

"""The web UI is checked, tested and built by its own tools, and is as small as it should be."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "src" / "onbeat" / "ui" / "dist"
KIB = 1024

SHELL = 210 * KIB
STYLE = 20 * KIB
PAGE = 60 * KIB
"""Bytes as they are sent: the script of all pages, its style sheet, and what a page adds."""


@pytest.mark.timeout(900)
def test_it_is_built_small_and_asks_for_nothing_outside() -> None:
    make()
    page = (BUILT / "index.html").read_text()
    sizes = {each.name: sent(each) for each in (BUILT / "assets").iterdir()}
    first = {name for name in sizes if name in page}
    shell = sum(size for name, size in sizes.items() if name in first and name.endswith(".js"))
    style = sum(size for name, size in sizes.items() if name in first and name.endswith(".css"))

    assert 0 < shell <= SHELL
    assert 0 < style <= STYLE
    assert {name: size for name, size in sizes.items() if name not in first and size > PAGE} == {}
    assert "://" not in page
    assert page.count("<script") == page.count('<script type="module" crossorigin src="./assets/')


def make() -> None:
    """Check, test and build it; skip where npm is out of reach, of which its tools come."""
    if shutil.which("npm") is None:
        pytest.skip("there is no npm: install Node 20")
    code, said = made("ui/node_modules/ready")
    if code != 0:
        pytest.skip(f"npm has not brought the tools: {said[-500:]}")
    code, said = made("ui")
    assert code == 0, said[-5_000:]


def made(target: str) -> tuple[int, str]:
    """What came of a target of the Makefile."""
    outcome = subprocess.run(
        ["make", target],  # noqa: S607 - whichever is on the PATH
        cwd=ROOT, check=False, text=True, timeout=400,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return outcome.returncode, outcome.stdout


def sent(path: Path) -> int:
    """How many bytes of it go over the wire."""
    return len(gzip.compress(path.read_bytes(), 9))

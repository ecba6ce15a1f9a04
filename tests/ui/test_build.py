"""The web UI is checked, tested and built by its own tools, and is as small as it should be."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.ui.building import BUILT, make

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


def sent(path: Path) -> int:
    """How many bytes of it go over the wire."""
    return len(gzip.compress(path.read_bytes(), 9))

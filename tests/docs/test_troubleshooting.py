"""docs/troubleshooting.md: each thing that it tells of is brought about, and told so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.walking import Walk, blocks
from tests.e2e.starting import surroundings

PAGE = Path(__file__).parents[2] / "docs/troubleshooting.md"


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    walk = Walk(tmp_path, surroundings(ONBEAT_API="false"))
    yield walk
    walk.end()


@pytest.mark.timeout(1_200)  # it asks dozens of processes, one after the other
def test_commands_say_what_the_page_shows(walk: Walk) -> None:
    for block in blocks(PAGE.read_text()):
        walk.do(block)

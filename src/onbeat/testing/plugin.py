"""The pytest plugin; installing Onbeat is enough for pytest to find it."""

from __future__ import annotations

from pathlib import Path

import pytest

from onbeat.testing.opening import Kits


@pytest.fixture
def onbeat_kit(tmp_path: Path) -> Kits:
    """Open your application in a test: `async with onbeat_kit(ob, at="2027-03-27T00:00:00Z")`.

    Plain tests write `with`. See docs/testing.md for what the kit can do.
    """
    return Kits(tmp_path)

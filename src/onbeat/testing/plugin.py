"""The pytest plugin; installing Onbeat is enough for pytest to find it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from onbeat.testing.opening import Kits


@pytest.fixture
def onbeat_kit(tmp_path: Path) -> Kits:
    """Open your application in a test: `async with onbeat_kit(ob, at="2027-03-27T00:00:00Z")`.

    Plain tests write `with`. See docs/testing.md for what the kit can do.
    """
    from onbeat.testing.opening import Kits  # noqa: PLC0415 - pytest loads this in every project

    return Kits(tmp_path)

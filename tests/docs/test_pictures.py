"""The pictures in the documents show what the engine does."""

from __future__ import annotations

import pytest

from tests.docs.pictures.pages import FOLDER, NAMES, picture


@pytest.mark.parametrize("name", NAMES)
async def test_a_picture_shows_what_the_engine_does(name: str) -> None:
    """One that differs is drawn anew by `python -m tests.docs.pictures`; look at it."""
    assert (FOLDER / f"{name}.svg").read_text() == await picture(name)


def test_every_picture_is_shown() -> None:
    shown = (FOLDER.parent / "policies.md").read_text()

    assert {path.stem for path in FOLDER.glob("*.svg")} == set(NAMES)
    assert all(f"pictures/{name}.svg" in shown for name in NAMES)

"""The pictures in the documents show what the engine does."""

from __future__ import annotations

import pytest

from tests.docs.pictures.pages import FOLDER, NAMES, picture
from tests.docs.pictures.states import PATHS, edges


@pytest.mark.parametrize("name", NAMES)
async def test_a_picture_shows_what_the_engine_does(name: str) -> None:
    """One that differs is drawn anew by `python -m tests.docs.pictures`; look at it."""
    assert (FOLDER / f"{name}.svg").read_text() == await picture(name)


def test_every_picture_is_shown() -> None:
    shown = "".join((FOLDER.parent / page).read_text() for page in ("policies.md", "concepts.md"))

    assert {path.stem for path in FOLDER.glob("*.svg")} == set(NAMES)
    assert all(f"pictures/{name}.svg" in shown for name in NAMES)


def test_each_move_of_a_job_has_its_arrow() -> None:
    assert {*edges()} == {*PATHS}

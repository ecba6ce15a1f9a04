"""Draw all pictures anew: `python -m tests.docs.pictures`."""

from __future__ import annotations

import asyncio

from tests.docs.pictures.pages import FOLDER, NAMES, picture

FOLDER.mkdir(exist_ok=True)
for name in NAMES:
    path = FOLDER / f"{name}.svg"
    path.write_text(asyncio.run(picture(name)))
    print(path)  # noqa: T201

"""Write all pages anew: `python -m tests.docs.reference`."""

from __future__ import annotations

from tests.docs.reference.pages import FOLDER, PAGES, page

FOLDER.mkdir(exist_ok=True)
for name in PAGES:
    path = FOLDER / f"{name}.md"
    path.write_text(page(name))
    print(path)  # noqa: T201

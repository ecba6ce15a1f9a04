"""The program's main file, which the process of a job reads once more to find the job's function.

Without `if __name__ == "__main__":` reading it runs the whole program: it would ask for its jobs
again, and claim them here. So while it is read, nothing may ask the store for anything.
"""

from __future__ import annotations

import runpy
from functools import lru_cache
from pathlib import Path
from typing import Any

from onbeat.domain.errors import Conflict

NAME = "__onbeat_job__"
"""What the file sees as its `__name__`."""

_read: list[str] = []
"""The file that is being read, while it is."""


@lru_cache(maxsize=1)
def main_names(path: str) -> dict[str, Any]:
    """The names of the main file, run without what stands under `if __name__ == "__main__":`."""
    _read.append(path)
    try:
        return runpy.run_path(path, run_name=NAME)
    finally:
        _read.clear()


def refuse_while_read() -> None:
    """Raise Conflict when the program is only being read for a job, and was not to be run."""
    if _read:
        raise Conflict(
            f"{Path(_read[0]).name} is read once more by the process of a job, and would run its "
            'whole program there; put what it runs under `if __name__ == "__main__":`'
        )

"""What failed among thousands, run once more by itself: what fails again, fails.

A shared machine stalls now and then for longer than a story waits. What passes here is named, as
it is unsteady and wants mending; more than a few are no accident and are not run again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

FEW = 5
LAST = Path(".pytest_cache/v/cache/lastfailed")


def main() -> int:
    """Run them; the exit code of pytest."""
    failed = list(json.loads(LAST.read_text())) if LAST.exists() else []
    if not 0 < len(failed) <= FEW:
        tell(f"{len(failed)} failed: they are run again where 1 to {FEW} did.")
        return 1
    tell("\nRun again, alone:", *failed)
    code = pytest.main(["-n", "0", "-q", "-p", "no:cacheprovider", *failed])
    if code == pytest.ExitCode.OK:
        tell("\nUnsteady, as they passed alone:", *failed)
    return code


def tell(*lines: str) -> None:
    """Say it, where the output of pytest is."""
    sys.stdout.write("\n  ".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

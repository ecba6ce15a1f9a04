"""What failed among thousands, run once more by itself: what fails again, fails.

A shared machine stalls now and then for longer than a story waits. What passes here is named, as
it is unsteady and wants mending; more than a few are no accident and are not run again.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FEW = 3
LAST = Path(".pytest_cache/v/cache/lastfailed")
FAILED = 1


@dataclass(slots=True, eq=False)  # pytest puts its plugins into sets
class Seen:
    """A plugin of pytest: what became of each."""

    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Each of its three phases."""
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module may be skipped whole."""
        if not report.passed:
            self._note(report)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        found = {"passed": self.passed, "failed": self.failed, "skipped": self.skipped}
        found[report.outcome].add(report.nodeid)

    def is_unsteady(self, asked: str) -> bool:
        """Whether it failed before, and all of it passed now."""
        return _some_of(asked, self.passed) and not _some_of(asked, self.failed | self.skipped)


def _some_of(asked: str, found: set[str]) -> bool:
    return any(each == asked or each.startswith(f"{asked}::") for each in found)


def main() -> int:
    """Run them; the exit code of pytest, and 1 where one was skipped: it did not pass."""
    failed = list(json.loads(LAST.read_text())) if LAST.exists() else []
    if not 0 < len(failed) <= FEW:
        tell(f"{len(failed)} failed: they are run again where 1 to {FEW} did.")
        return FAILED
    tell("\nRun again, alone:", *failed)
    seen = Seen()
    code = pytest.main(["-n", "0", "-q", "-p", "no:cacheprovider", *failed], plugins=[seen])
    if seen.skipped:
        tell("\nSkipped, which is not passed:", *sorted(seen.skipped))
    if unsteady := [each for each in failed if seen.is_unsteady(each)]:
        tell("\nUnsteady, as they passed alone:", *unsteady)
    return code or (FAILED if seen.skipped else 0)


def tell(*lines: str) -> None:
    """Say it, where the output of pytest is."""
    sys.stdout.write("\n  ".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

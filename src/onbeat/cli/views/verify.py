"""What verifying the store found."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.text import Text

from onbeat.cli.output.colours import BAD, GOOD, QUIET
from onbeat.cli.output.words import many
from onbeat.store.verify.laws import MOST_OF_A_LAW, Breach, Law, Report

SHOWN = 20
"""Breaches of a law that are shown to people; programs are given all that were kept."""

TELL_EVERY = 0.2
"""Seconds between two words about how far it is."""


def report_lines(report: Report, seconds: float) -> Iterator[Text]:
    """The report for people."""
    yield Text(f"read {extent(report)} in {seconds:.1f} s")
    for law, found in groupby(report.breaches, key=lambda each: each.law):
        yield from _law_lines(law, list(found))
    for remark in report.remarks:
        yield Text(f"note: {remark}", QUIET)
    if not report.breaches:
        yield Text("every law holds", GOOD)


def extent(report: Report) -> str:
    """How much was read."""
    return ", ".join((
        many(report.jobs, "job"),
        many(report.attempts, "attempt"),
        many(report.occurrences, "occurrence"),
    ))  # fmt: skip


def _law_lines(law: Law, found: list[Breach]) -> Iterable[Text]:
    count = f"{len(found)} or more" if len(found) >= MOST_OF_A_LAW else str(len(found))
    yield Text()
    yield Text.assemble((f"{law}", BAD), f" ({count}): {law.wrong};")
    yield Text(f"  {law.meaning}")
    for breach in found[:SHOWN]:
        yield Text(f"  {breach.subject}  {breach.detail}")
    if len(found) > SHOWN:
        yield Text(f"  and {len(found) - SHOWN} more; --json shows them", QUIET)


class Progress:
    """Says on a terminal how far the reading is, on one line that is written over."""

    def __init__(self) -> None:
        """Say nothing yet."""
        self._is_seen = sys.stderr.isatty()
        self._told_at = 0.0

    def tell(self, report: Report) -> None:
        """Say how much was read so far, a few times a second."""
        now = time.monotonic()
        if self._is_seen and now - self._told_at >= TELL_EVERY:
            self._told_at = now
            sys.stderr.write(f"\r\033[Kread {extent(report)}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Leave the line as it was."""
        if self._is_seen:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

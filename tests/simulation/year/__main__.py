"""A year of minutes with a call in each, nearly: `python -m tests.simulation.year`.

The year is run in stretches of `--days` (7), each on a database and with a seed of its own: all of
them, or those from `--first` on, `--stretches` in number. `--trace 12` repeats one and
writes what happened. Ends with 1 when a promise was not kept.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from tests.simulation.run import Verdict
from tests.simulation.telling import failure
from tests.simulation.year.stretch import Wanted, simulate

YEAR = datetime(2031, 1, 1, tzinfo=UTC)
DAYS, MINUTES = 365, 24 * 60


def main() -> int:
    """Run what was asked for; whether any stretch was bad, as an exit code."""
    asked = _arguments()
    if asked.trace is not None:
        return _one(_stretch(asked.trace, asked.days))
    numbers = range(asked.first, -(-DAYS // asked.days))[: asked.stretches]
    return _many([_stretch(number, asked.days) for number in numbers], asked.processes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.year", description=__doc__)
    parser.add_argument("--days", type=int, default=7, help="of each stretch (7)")
    parser.add_argument("--first", type=int, default=0, help="the first stretch (0)")
    parser.add_argument("--stretches", type=int, help="how many (all)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--trace", type=int, help="one stretch alone, with all that happens")
    return parser.parse_args()


def _stretch(number: int, days: int) -> Wanted:
    """That stretch of the year; the last may be shorter."""
    first = number * days
    return Wanted(number, YEAR + timedelta(days=first), min(days, DAYS - first) * MINUTES)


def _one(wanted: Wanted) -> int:
    verdict = simulate(wanted, sys.stdout)
    _tell(verdict)
    return bool(verdict.findings)


def _many(wanted: list[Wanted], processes: int) -> int:
    began, bad, figures = time.monotonic(), 0, Counter[str]()
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=1) as pool:
        for number, verdict in enumerate(pool.imap_unordered(simulate, wanted), 1):
            figures += verdict.figures
            bad += bool(verdict.findings)
            _tell(verdict)
            _say(f"{number} of {len(wanted)} stretches, {figures['calls']:,} calls, "
                 f"{bad} stretches bad, {time.monotonic() - began:.0f} s")  # fmt: skip
    for name, count in sorted(figures.items()):
        _say(f"{count:>12,} {name}")
    return bool(bad)


def _tell(verdict: Verdict) -> None:
    if verdict.findings:
        _say(failure(verdict, f"python -m tests.simulation.year --trace {verdict.seed}"))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

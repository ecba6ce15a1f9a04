"""Many seeds, or one with its trace: `python -m tests.simulation --seeds 1000`.

`--seed 4711 --trace` repeats one and writes what happened, line by line. Ends with 1 when a promise
was not kept.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator

from tests.simulation.run import Verdict, simulate
from tests.simulation.telling import failure


def main() -> int:
    """Run what was asked for; how many seeds were bad, as an exit code."""
    asked = _arguments()
    if asked.seed is not None:
        return _one(asked.seed, trace=asked.trace)
    return _many(range(asked.first, asked.first + asked.seeds), asked.processes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many seeds (1000)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (0)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="one seed alone")
    parser.add_argument("--trace", action="store_true", help="with --seed: all that happens")
    return parser.parse_args()


def _one(seed: int, *, trace: bool) -> int:
    verdict = simulate(seed, sys.stdout if trace else None)
    _say(f"seed {seed}: {verdict.hash} {dict(sorted(verdict.figures.items()))}")
    if verdict.findings:
        _say(failure(verdict))
    return bool(verdict.findings)


def _many(seeds: range, processes: int) -> int:
    began, bad, figures = time.monotonic(), 0, Counter[str]()
    for verdict in _verdicts(seeds, processes):
        figures += verdict.figures
        if verdict.findings:
            bad += 1
            _say(failure(verdict))
    seconds = time.monotonic() - began
    for name, count in sorted(figures.items()):
        _say(f"{count:>12,} {name}")
    _say(f"{len(seeds)} seeds in {seconds:.0f} s, {bad} of them bad")
    return bool(bad)


def _verdicts(seeds: range, processes: int) -> Iterator[Verdict]:
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(simulate, seeds, chunksize=10)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

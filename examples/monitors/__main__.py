"""Run the demo: `python -m examples.monitors [--csv FILE] [--monitors N] [--seconds S]`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from examples.monitors import desk  # noqa: F401 - whose tasks and schedules the demo has too
from examples.monitors.demo import Options, run
from examples.monitors.generate import FILE
from examples.monitors.rows import BrokenFile
from examples.showing.ending import code_of

WRONG_INPUT = 2


def read_options() -> Options:
    """Read the command line; DEMO_SECONDS stands in for --seconds."""
    parser = argparse.ArgumentParser(prog="python -m examples.monitors", description=__doc__)
    parser.add_argument("--csv", type=Path, default=FILE, help="monitors of your own")
    parser.add_argument("--monitors", type=int, help="only the first so many")
    parser.add_argument(
        "--seconds", type=float, default=os.environ.get("DEMO_SECONDS") or None,
        help="end after so long; else Ctrl-C does",
    )  # fmt: skip
    given = parser.parse_args()
    return Options(csv=given.csv, monitors=given.monitors, seconds=given.seconds)


def main() -> int:
    """Run, and say in one line what was wrong with what was given."""
    options = read_options()
    try:
        return code_of(run(options, Console()))
    except BrokenFile as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_INPUT


if __name__ == "__main__":
    sys.exit(main())

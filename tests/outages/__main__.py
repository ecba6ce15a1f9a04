"""The long form: `python -m tests.outages --seconds 70`; ends with 1 when something was wrong."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from tests.outages.drill import Pace, Report
from tests.outages.faults import OF_POSTGRESQL, OF_SQLITE, Fault
from tests.outages.places import drill_on_postgres, drill_on_sqlite
from tests.servers.postgres import launch
from tests.tables import table

ENGINES = ("sqlite", "postgresql")
COLUMNS = ("fault", "jobs", "lost", "doubled", "long", "first", "full", "rate", "verdict")


def main() -> int:
    """Do all drills in turn, and tell what came of them."""
    asked = _arguments()
    pace = Pace(seconds=asked.seconds, before=8.0, after=15.0, in_earnest=True)
    engines = ENGINES if asked.engine == "both" else (asked.engine,)
    reports = {engine: list(_drills(engine, asked.fault, pace)) for engine in engines}
    for engine, some in reports.items():
        _say(f"\n{engine}, faults of {asked.seconds:g} s")
        _say(_table(some))
    wrong = [each for some in reports.values() for report in some for each in report.wrong]
    return 1 if wrong else 0


def _drills(engine: str, wanted: str, pace: Pace) -> Iterator[Report]:
    if engine == "sqlite":
        for fault in OF_SQLITE:
            if wanted in fault.name:
                yield from _drill(engine, fault, partial(drill_on_sqlite, fault, pace=pace))
        return
    with launch(durable=True) as server:
        for fault in OF_POSTGRESQL:
            if wanted in fault.name:
                drill = partial(drill_on_postgres, fault, server, pace=pace)
                yield from _drill(engine, fault, drill)


def _drill(engine: str, fault: Fault, drill: Callable[[Path], Report]) -> Iterator[Report]:
    """A drill in a folder of its own, which is kept where something was wrong."""
    folder = Path(tempfile.mkdtemp(prefix="onbeat-outage-"))
    began = time.monotonic()
    _say(f"{engine}: {fault.name} …")
    try:
        report = drill(folder)
    except subprocess.CalledProcessError as error:
        _say(f"{engine}: {fault.name}: left out, a small disk cannot be mounted: {error.stderr}")
        return
    except AssertionError as error:
        report = Report(fault.name)
        report.wrong.append(str(error))
    _say(f"{engine}: {fault.name}: {_verdict(report)} after {time.monotonic() - began:.0f} s")
    for each in report.wrong:
        _say(f"    {each}")
    if report.wrong:
        _say(f"    see {folder}")
    else:
        with suppress(OSError):
            shutil.rmtree(folder)
    yield report


def _table(reports: list[Report]) -> str:
    rows = [COLUMNS, *(_row(each) for each in reports)]
    return "\n".join([table(rows), LEGEND])


LEGEND = """
long   attempts of the long jobs
first  seconds from recovery until every worker had done a job
full   seconds from recovery until a second began with 90 % of the rate before
rate   short jobs in a second before the fault"""


def _row(report: Report) -> tuple[str, ...]:
    found = report.found
    tries = "+".join(map(str, found.long_attempts))
    return (
        report.fault, str(found.jobs), str(found.lost), str(found.doubled), tries,
        _seconds(report.first), _seconds(report.full), f"{report.rate:.0f}", _verdict(report),
    )  # fmt: skip


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def _verdict(report: Report) -> str:
    return f"{len(report.wrong)} wrong" if report.wrong else "good"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.outages", description=__doc__)
    parser.add_argument("--seconds", type=float, default=70.0, help="how long each fault lasts")
    parser.add_argument("--engine", choices=(*ENGINES, "both"), default="both")
    parser.add_argument("--fault", default="", help="only those with this in their name")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

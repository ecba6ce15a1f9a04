"""The long form: `python -m tests.hosts`, as root; ends with 1 when a law was broken."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.hosts.drill import BRISK, EARNEST, FAULTS, Fault, Pace, Report, drill
from tests.hosts.fleet import HOSTS, Ground, ground
from tests.hosts.network import NotPermitted
from tests.tables import table

COLUMNS = (
    "fault", "away", "jobs", "moments", "lost", "refused", "twice", "moved", "rescue", "move",
    "late", "back", "verdict",
)  # fmt: skip
LEGEND = """
moments  of schedules, each with a job of its own
lost     attempts that were taken from a host that was away
refused  those of them that ended there all the same: their outcome was not taken
twice    jobs whose effect came twice, once of such an attempt
moved    jobs that waited in the region, and were done in others before it was back
rescue   seconds from the begin of the fault until the first attempt was taken away
move     seconds until the first waiting job was moved
late     seconds after which the latest of all moments had its job
back     seconds from the end of the fault until every host had begun a job"""


def main() -> int:
    """Do all drills in turn, and tell what came of them."""
    asked = _arguments()
    pace = BRISK if asked.brisk else EARNEST
    # What was begun is undone also where somebody ends it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    say = _saying()
    try:
        with ground() as on:
            say(f"hosts {', '.join(f'{each} {on.network.address(each)}' for each in HOSTS)}")
            wanted = [fault for fault in FAULTS if asked.fault in fault.name]
            reports = [_drill(fault, on, pace, say) for fault in wanted]
    except NotPermitted as error:
        say(f"this needs root and network namespaces: {error}")
        return 1
    _write(_table(reports))
    return 1 if any(report.wrong for report in reports) else 0


def _drill(fault: Fault, on: Ground, pace: Pace, say: Callable[[str], None]) -> Report:
    """A drill in a folder of its own, which is kept where something was wrong."""
    folder = Path(tempfile.mkdtemp(prefix="onbeat_hosts_"))
    try:
        report = drill(fault, on, folder, pace, lambda line: say(f"{fault.name}: {line}"))
    except AssertionError as error:
        report = Report(fault.name)
        report.wrong.append(str(error))
    say(f"{fault.name}: {_verdict(report)}")
    for each in report.wrong:
        say(f"    {each}")
    if report.wrong:
        say(f"    see {folder}")
    else:
        with suppress(OSError):
            shutil.rmtree(folder)
    return report


def _table(reports: list[Report]) -> str:
    rows = [COLUMNS, *(_row(each) for each in reports)]
    return "\n".join(["", table(rows), LEGEND])


def _row(report: Report) -> tuple[str, ...]:
    found = report.figures
    counts = (
        found.jobs, found.moments, found.lost, found.refused, found.doubled, found.moved,
    )  # fmt: skip
    seconds = (found.rescued_after, found.moved_after, found.late, report.back_after)
    return (
        report.fault, _seconds(report.away), *map(str, counts), *map(_seconds, seconds),
        _verdict(report),
    )  # fmt: skip


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def _verdict(report: Report) -> str:
    return f"{len(report.wrong)} wrong" if report.wrong else "good"


def _saying() -> Callable[[str], None]:
    began = time.monotonic()
    return lambda line: _write(f"{time.monotonic() - began:6.1f} s  {line}")


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.hosts", description=__doc__)
    parser.add_argument("--brisk", action="store_true", help="with terms of 3 s, not the defaults")
    parser.add_argument("--fault", default="", help="only those with this in their name")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

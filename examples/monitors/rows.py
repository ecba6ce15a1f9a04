"""The CSV: each row a monitor, or a line number and the reason why it is none."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from onbeat import InvalidInput, every

COLUMNS = ("name", "url", "interval", "region", "criticality", "active")
PRIORITIES = {"critical": 10, "high": 8, "normal": 5, "low": 2}
"""What a monitor's criticality is worth in the queue, the gravest first."""

YES, NO = {"1", "true", "yes"}, {"0", "false", "no"}
LONGEST_NAME = 100
LONGEST_REGION = 12


class BrokenFile(Exception):
    """The file as a whole cannot be read as monitors; nothing of it was taken."""


class BadRow(Exception):
    """One row is no monitor, for the reason given."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """A page to look at again and again."""

    name: str
    url: str
    """An address, or a path on the site that the demo starts."""
    interval: str
    region: str
    criticality: str
    active: bool

    @property
    def priority(self) -> int:
        """The priority of its checks."""
        return PRIORITIES[self.criticality]


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that was refused."""

    line: int
    name: str
    reason: str


@dataclass(slots=True)
class Reading:
    """What a file holds."""

    monitors: list[Monitor] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def active(self) -> list[Monitor]:
        """The monitors that are to be checked."""
        return [monitor for monitor in self.monitors if monitor.active]

    @property
    def in_doubt(self) -> set[str]:
        """Names whose row was refused: what is known of them is better left as it is."""
        return {problem.name for problem in self.problems if problem.name}


def read_monitors(path: Path, limit: int | None = None) -> Reading:
    """Read a file up to its first `limit` good rows. Raises BrokenFile."""
    reading = Reading()
    names: set[str] = set()
    for line, row in _rows(path):
        if len(reading.monitors) == limit:
            break
        try:
            monitor = _monitor(row, names)
        except BadRow as error:
            name = (row.get("name") or "").strip()
            reading.problems.append(Problem(line, name, str(error)))
        else:
            names.add(monitor.name)
            reading.monitors.append(monitor)
    if not reading.active:
        raise BrokenFile(f"{path}: no row is an active monitor; nothing was changed")
    return reading


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str | None, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            _check_header(path, reader.fieldnames or ())
            for row in reader:
                yield reader.line_num, row
    except OSError as error:
        raise BrokenFile(f"{path}: it cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BrokenFile(f"{path}: it is not CSV in UTF-8: {error}") from None


def _check_header(path: Path, header: object) -> None:
    given = list(header) if isinstance(header, list) else []
    missing = [column for column in COLUMNS if column not in given]
    if missing:
        raise BrokenFile(
            f"{path}: its header has no {', '.join(missing)}; "
            f"the first line must name {', '.join(COLUMNS)}"
        )


def _monitor(row: Mapping[str | None, str], names: set[str]) -> Monitor:
    if None in row or None in row.values():
        raise BadRow("it has more or fewer fields than the header")
    given = {column: row[column].strip() for column in COLUMNS}
    for column, value in given.items():
        if not value:
            raise BadRow(f"{column}: it is missing")
    return Monitor(
        name=_name(given["name"], names),
        url=_url(given["url"]),
        interval=_interval(given["interval"]),
        region=_region(given["region"]),
        criticality=_criticality(given["criticality"].lower()),
        active=_active(given["active"].lower()),
    )


def _name(name: str, names: set[str]) -> str:
    if " " in name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise BadRow(f"name: {name[:20]!r} is none; up to {LONGEST_NAME} characters, no spaces")
    if name in names:
        raise BadRow(f"name: {name!r} is there already; the first row of that name counts")
    return name


def _url(url: str) -> str:
    if not url.startswith(("http://", "https://", "/")) or " " in url:
        raise BadRow(f"url: {url[:40]!r} is no http address, nor a path of the demo's own site")
    return url


def _interval(text: str) -> str:
    """An interval as `every` takes it: `30s`, `5m`."""
    try:
        every(text)
    except InvalidInput as error:
        raise BadRow(f"interval: {str(error).partition(': ')[2]}") from None
    return text


def _region(region: str) -> str:
    if len(region) > LONGEST_REGION:
        raise BadRow(f"region: {region!r} is longer than {LONGEST_REGION} characters")
    return region


def _criticality(word: str) -> str:
    if word not in PRIORITIES:
        raise BadRow(f"criticality: {word!r} is not known; give {', '.join(PRIORITIES)}")
    return word


def _active(word: str) -> bool:
    if word not in YES | NO:
        raise BadRow(f"active: {word!r} is not known; give yes or no")
    return word in YES

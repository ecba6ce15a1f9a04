"""Files as companies send them. **All of it is generated**, the same for the same seed.

python -m examples.csv_pipeline.generate incoming --rows 100000

Each company has its own encoding, delimiter, names and order of columns, and way to write moments.
On top come the faults of real exports; `truth.json` says what a reader must make of it all.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from examples.csv_pipeline.classifier import labelled
from examples.csv_pipeline.companies import LIST

FIRST = datetime(2027, 3, 1, 6, 0, tzinfo=UTC)
TRUTH = "truth.json"
ENGLISH = ("session_id", "started_at", "message", "country", "rating", "updated_at")
GERMAN = ("sitzung", "beginn", "nachricht", "land", "bewertung", "stand")
SHORT = ("id", "date", "text", "country_code", "score", "modified")
GREETINGS = ("", "", "Hi, ", "Hello, ", "Good morning! ", "Grüezi, ", "¡Hola! ", "Dear team,\n")
CLOSINGS = ("", "", "", " Thanks.", " Regards, Zoë", " — José", "\nSent from my phone", ' "urgent"')
COUNTRIES = ("US", "DE", "FR", "GB", "ch", "ES", "")


@dataclass(frozen=True, slots=True)
class Style:
    """How a company writes its files."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    moments: str | None
    """A pattern; None for ISO 8601."""
    extra: tuple[str, ...] = ()
    """Columns that nobody asks for."""
    without: tuple[int, ...] = ()
    """Columns, by their place, that are missing."""


STYLES = (
    Style("utf-8", ",", ENGLISH, None, extra=("agent", "channel")),
    Style("cp1252", ";", GERMAN, "%d.%m.%Y %H:%M:%S"),
    Style("utf-8-sig", "\t", ENGLISH, "%m/%d/%Y %I:%M %p", without=(3,)),
    Style("utf-16", ",", SHORT, None, extra=("tags",)),
    Style("utf-8", "|", SHORT, None, without=(4,)),
)


@dataclass(slots=True)
class Truth:
    """What must come of a company's files."""

    sessions: set[str] = field(default_factory=set)
    refused: int = 0
    corrected: dict[str, str] = field(default_factory=dict)
    """The last message of sessions that were corrected."""
    files: int = 0
    duplicates: int = 0
    broken: list[str] = field(default_factory=list)


class Maker:
    """Makes the files of one company."""

    def __init__(self, folder: Path, style: Style, seed: str) -> None:
        """Into its folder."""
        self._folder, self._style = folder, style
        self._random = random.Random(seed)
        self._known = labelled("train").texts + labelled("held_out").texts
        self.truth = Truth()
        folder.mkdir(parents=True, exist_ok=True)

    def day(self, number: int, rows: int) -> None:
        """The sessions of a day, with what goes wrong in one row of a hundred."""
        lines: list[list[str]] = []
        for index in range(rows):
            line = self._line(f"s{number:03d}-{index:06d}", number)
            lines.append(line)
            chance = self._random.random()
            if chance < 0.004:
                lines.append(line)  # the same once more
            elif chance < 0.010:
                lines.append(self._faulty(line))
        self._write(f"day-{number:03d}.csv", lines)

    def _line(self, name: str, day: int, later: timedelta = timedelta()) -> list[str]:
        at = FIRST + timedelta(days=day, seconds=self._random.randrange(60_000))
        self.truth.sessions.add(name)
        return [
            name, self._moment(at), self._message(), self._random.choice(COUNTRIES),
            self._random.choice(("", "1", "2", "3", "4", "5")), self._moment(at + later),
        ]  # fmt: skip

    def _moment(self, at: datetime) -> str:
        pattern = self._style.moments
        return at.isoformat() if pattern is None else at.strftime(pattern)

    def _message(self) -> str:
        pick = self._random.choice
        return f"{pick(GREETINGS)}{pick(self._known)}{pick(CLOSINGS)}"

    def _faulty(self, line: list[str]) -> list[str]:
        """A row of a session of its own that is none, in one of the ways there are."""
        self.truth.refused += 1
        found = [f"x{line[0]}", *line[1:]]
        match self._random.randrange(4):
            case 0:
                found[0] = ""
            case 1:
                found[1] = "31.02.2027"
            case 2:
                found[2] = "  "
            case _:
                found += ["too", "many", "fields"]
        return found

    def correction(self, of_day: int, rows: int) -> None:
        """What a company says a day later of sessions it has sent: some have another text."""
        lines = [
            self._line(f"s{of_day:03d}-{index:06d}", of_day, later=timedelta(days=1, hours=3))
            for index in range(rows)
        ]
        self.truth.corrected |= {line[0]: line[2].strip() for line in lines}
        self._write(f"day-{of_day:03d}-corrected.csv", lines)

    def copy(self, of_day: int) -> None:
        """The same file once more, under another name."""
        content = (self._folder / f"day-{of_day:03d}.csv").read_bytes()
        (self._folder / f"day-{of_day:03d} (1).csv").write_bytes(content)
        self.truth.duplicates += 1

    def broken(self) -> None:
        """Files that cannot be read: a quote that is never closed, a wrong header, no text."""
        for name, content in (
            ("broken-quote.csv", b'session_id,started_at,message\n1,2027-03-01,"never closed\n2'),
            ("broken-header.csv", b"name,street,town\nAnn,Mill Lane,Bath\n"),
            ("broken-picture.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
        ):
            (self._folder / name).write_bytes(content)
            self.truth.broken.append(name)

    def _write(self, name: str, lines: Sequence[Sequence[str]]) -> None:
        style, out = self._style, io.StringIO(newline="")
        kept = [place for place in range(len(ENGLISH)) if place not in style.without]
        writer = csv.writer(out, delimiter=style.delimiter)
        writer.writerow([*(style.columns[place] for place in kept), *style.extra])
        for line in lines:
            cut = [line[place] for place in kept] + [""] * len(style.extra)
            writer.writerow(cut + list(line[len(ENGLISH) :]))
        content = out.getvalue().encode(style.encoding, errors="replace")
        hidden = self._folder / f".{name}.part"
        hidden.write_bytes(content)
        hidden.rename(self._folder / name)
        self.truth.files += 1


def generate(root: Path, rows: int, companies: int = 12, days: int = 3, seed: int = 1) -> None:
    """Write them all, and the truth beside them."""
    root.mkdir(parents=True, exist_ok=True)
    listed, truth = [], {}
    for number in range(companies):
        name = f"company-{number:02d}"
        source = "http" if number % 4 == 3 else "file"
        maker = Maker(root / name, STYLES[number % len(STYLES)], f"{seed}/{name}")
        for day in range(days):
            maker.day(day, max(5, rows // (companies * days)))
        maker.correction(0, 5)
        if number % 3 == 0:
            maker.copy(1)
        if number % 5 == 1:
            maker.broken()
        listed.append([
            name, f"Company No. {number}", "us" if number % 2 else "eu", source,
            "batch" if number % 6 == 5 else "direct",
        ])  # fmt: skip
        truth[name] = {**asdict(maker.truth), "sessions": len(maker.truth.sessions)}
    with (root / LIST).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "name", "region", "source", "analysis"], *listed])
    (root / TRUTH).write_text(json.dumps(truth, indent=1))


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(prog="python -m examples.csv_pipeline.generate")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=100_000, help="of all companies together")
    parser.add_argument("--companies", type=int, default=12)
    parser.add_argument("--days", type=int, default=3, help="files of each company")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    generate(given.folder, given.rows, given.companies, given.days, given.seed)


if __name__ == "__main__":
    main()

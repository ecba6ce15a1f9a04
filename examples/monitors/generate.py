"""Writes monitors.csv, the same each time: `python -m examples.monitors.generate`."""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from examples.monitors.rows import COLUMNS

FILE = Path(__file__).with_name("monitors.csv")
COUNT = 1_000

SERVICES = ("shop", "search", "login", "billing", "mail", "docs", "api", "images", "maps", "blog")
REGIONS = {"us": 45, "eu": 35, "asia": 20}
KINDS = {"fast": 865, "slow": 60, "failing": 28, "flapping": 30, "hanging": 8, "gone": 9}
INTERVALS = {
    "critical": ("5s", "10s"),
    "high": ("10s", "15s"),
    "normal": ("15s", "20s", "30s"),
    "low": ("30s", "45s", "60s"),
}
CRITICALITIES = {"critical": 5, "high": 15, "normal": 50, "low": 30}
INACTIVE_SHARE = 0.03

BAD_ROWS = {
    41: ("mail-eu-bad1", "", "30s", "eu", "normal", "yes"),
    77: ("blog-us-bad2", "/fast/77", "0s", "us", "low", "yes"),
    112: ("shop-us-bad3", "/fast/112", "10s", "us", "urgent", "yes"),
    150: None,
    183: ("docs-asia-bad5", "/fast/183", "soon", "asia", "low", "yes"),
}
"""Rows put in before the monitor of that number, to be refused; None repeats the one before."""


def monitors(count: int = COUNT) -> Iterator[tuple[str, ...]]:
    """The rows, good and bad, below the header."""
    chance = random.Random(1)
    row: tuple[str, ...] = ()
    for number in range(1, count + 1):
        if number in BAD_ROWS:
            yield BAD_ROWS[number] or row
        row = _monitor(number, chance)
        yield row


def _monitor(number: int, chance: random.Random) -> tuple[str, ...]:
    region, criticality = _one_of(REGIONS, chance), _one_of(CRITICALITIES, chance)
    name = f"{chance.choice(SERVICES)}-{region}-{number:04}"
    url = f"/{_one_of(KINDS, chance)}/{number}"
    active = "no" if chance.random() < INACTIVE_SHARE else "yes"
    return (name, url, chance.choice(INTERVALS[criticality]), region, criticality, active)


def _one_of(weights: dict[str, int], chance: random.Random) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def write(file: TextIO) -> None:
    """Write header and rows."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(monitors())


if __name__ == "__main__":
    with FILE.open("w", encoding="utf-8") as opened:
        write(opened)
    sys.stdout.write(f"wrote {FILE}\n")

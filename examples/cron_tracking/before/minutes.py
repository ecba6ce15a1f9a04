"""A stand-in for cron, whose minutes last a second: `python -m …before.minutes CRONTAB`.

It is no cron: it reads the fields of the minute and the hour alone, `*`, `*/n` and numbers, as its
seconds and minutes, and waits for the commands of a minute before the next. The crontab is read
again each minute, as cron does. What a command writes goes nowhere, and so does how it ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path


def read(text: str) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """Variables, and of each line the minute, the hour, and the command."""
    variables, lines = {}, []
    for line in (each.strip() for each in text.splitlines()):
        if line and not line.startswith("#"):
            name, equals, value = line.partition("=")
            if equals and name.isidentifier():
                variables[name] = value
            else:
                minute, hour, *_, command = line.split(None, 5)
                lines.append((minute, hour, command))
    return variables, lines


def fits(field: str, value: int) -> bool:
    """Whether a field means this value."""
    if field.startswith("*"):
        return value % int(field.removeprefix("*/") if "/" in field else 1) == 0
    return value == int(field)


def run(crontab: Path) -> None:
    """Minute after minute, without end."""
    while True:
        time.sleep(1 - time.time() % 1)
        now = datetime.now().astimezone()
        variables, lines = read(crontab.read_text())
        running = [
            subprocess.Popen(
                [variables.get("SHELL", "/bin/sh"), "-c", command],
                env={"PATH": os.environ["PATH"], **variables},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            for minute, hour, command in lines
            if fits(minute, now.second) and fits(hour, now.minute)
        ]  # fmt: skip
        for each in running:
            each.wait()
        print(f"a minute is over, of {len(lines)} lines", flush=True)


if __name__ == "__main__":
    run(Path(sys.argv[1]))

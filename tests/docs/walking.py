"""Does what a page says, block after block, as its reader would: files, commands, what they print.

A block of a file names it in its first line; a block of commands that begins with `# terminal N
stays` goes on in a terminal of its own; a block of text is what the commands before it print, or
the terminal that its first line names. Numbers and times differ; ids are followed from block to
block. What is marked `by hand` is left to people; `so that` brings about, unseen by them, what a
page tells of.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from tests.waiting import wait_until

BLOCK = re.compile(
    r"(<!-- by hand -->\n)?^```(\w+)\n(.*?)^```|^<!-- so that\n(.*?)^-->", re.M | re.S
)
FILE = re.compile(r"# ([\w./-]+\.\w+)\n")
TERMINAL = re.compile(r"# terminal (\d)( stays)?\n")
ID = re.compile(r"\b[0-9a-f]{32}\b")
CHANGES = re.compile(
    r"\w+@[\w.-]+|/\S+/(?=onb)"
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z|\d\d:\d\d:\d\d\.\d+"
    r"|\b(in )?\d+(\.\d+)? (ms|s|m|h)( ago)?|\bnow\b|\d+(\.\d+)?"
)
"""Who asks and where, moments, durations, numbers."""

PATIENCE = 100
"""Seconds until an incident is opened and told, on a machine that does other things too."""

LONGEST = 400
"""Seconds that commands may take: some wait until a killed worker is missed."""

DOES = re.compile(r"^onbeat \w+ (add|enqueue|retry|set|trigger|test)\b", re.M)
"""Commands that are not given again to see whether they print something else by now."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    may_fail: bool = False
    """Whether it is commands that are said to be refused."""


FAILS = re.compile(r"^(error:|not sent)", re.M)


def blocks(page: str) -> Iterator[Block]:
    """Those that are not done by hand, in order."""
    found = BLOCK.findall(page)
    for (by_hand, language, text, so_that), following in zip_longest(found, found[1:]):
        if so_that:
            yield Block("sh", so_that)
        elif not by_hand:
            fails = following is not None and following[1] == "text" and FAILS.search(following[2])
            yield Block(language, text, bool(fails))


def alike(line: str) -> str:
    """A line without what is another each time."""
    return " ".join(CHANGES.sub("#", ID.sub("ID", line)).split())


@dataclass
class Walk:
    """A reader in a folder, with terminals."""

    folder: Path
    environment: Mapping[str, str]
    terminals: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """The ids of the page, and those that stand for them here."""
    asked: str = ""
    """The commands given last."""
    printed: str = ""
    may_fail: bool = False

    def do(self, block: Block) -> None:
        """Do what one block says."""
        if block.language == "text":
            self._see(block.text)
        elif named := FILE.match(block.text):
            (self.folder / named[1]).write_text(block.text)
        elif stays := TERMINAL.match(block.text):
            self._leave_running(stays[1], block.text)
        else:
            self.give(self._of_here(block.text), may_fail=block.may_fail)

    def said_in(self, terminal: str) -> str:
        """What a terminal shows."""
        written = self.folder / f"terminal-{terminal}"
        return written.read_text() if written.exists() else ""

    def end(self) -> None:
        """Close the terminals."""
        for each in self.terminals.values():
            os.killpg(each.pid, signal.SIGTERM)
        for each in self.terminals.values():
            each.wait(timeout=PATIENCE)

    def _of_here(self, text: str) -> str:
        return ID.sub(lambda found: self.ids.get(found[0], found[0]), text)

    def _leave_running(self, terminal: str, commands: str) -> None:
        with (self.folder / f"terminal-{terminal}").open("wb") as shows:
            self.terminals[terminal] = subprocess.Popen(
                ["/bin/bash", "-c", commands], cwd=self.folder, env=self.environment,
                stdout=shows, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.asked = f"# terminal {terminal}"

    def give(self, commands: str, *, may_fail: bool = False) -> None:
        """Give commands and wait for their end; all must succeed, unless one is to be refused."""
        given = subprocess.Popen(
            ["/bin/bash", "-ec", commands], cwd=self.folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            out, err = given.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(given.pid, signal.SIGKILL)  # what it left running, too
            raise
        assert may_fail or given.returncode == 0, f"{commands}{out}{err}"
        self.asked, self.printed, self.may_fail = commands, out + err, may_fail

    def _see(self, expected: str) -> None:
        named = TERMINAL.match(expected)
        terminal = TERMINAL.match(f"{named[0] if named else self.asked}\n")
        wanted = (expected[len(named[0]) :] if named else expected).splitlines()
        began = time.monotonic()

        def is_there() -> bool:
            if terminal:
                self.printed = self.said_in(terminal[1])
            elif time.monotonic() - began > 1 and not DOES.search(self.asked):
                self.give(self.asked, may_fail=self.may_fail)
            return all(self._meets(line) for line in wanted if line.strip())

        wait_until(is_there, PATIENCE, f"{expected}\n--- but:\n{self.printed[-5_000:]}")

    def _meets(self, line: str) -> bool:
        """Whether it was printed; whose ids it tells is kept."""
        wanted = alike(line)
        for printed in self.printed.splitlines():
            if wanted in alike(printed):
                self.ids |= zip(ID.findall(line), ID.findall(printed), strict=False)
                return True
        return False

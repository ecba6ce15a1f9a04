"""Names for the schedules of a crontab: readable, and the same when the file is read again.

A name is made of the file and of what the line runs, not of its number or time: moving a line or
changing its time keeps its schedule, with its pause and its record. A command that stands in the
file more than once is numbered in the order of the lines.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

from onbeat.domain.crontab.entries import Entry

LONGEST_WORD = 40
DIGITS = 6
_SUBSTITUTION = re.compile(r"\$\([^()]*\)")
_SEPARATORS = re.compile(r"&&|\|\||[;|(){}]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=\S*")
_PASSED_OVER = {"[", "[[", "test", "cd", "command", "if", "then", "else", ".", "exit", "true", "!"}
_WRAPPERS = {"nice", "ionice", "nohup", "exec", "time", "sudo", "env", "chronic", "then", "do"}


def schedule_names(label: str, entries: Iterable[Entry]) -> list[str]:
    """A name for each entry: "cron.d/php:sessionclean-1f0c2e"."""
    seen: Counter[str] = Counter()
    names = []
    for entry in entries:
        name = f"{label}:{_program(entry.command)}-{_digest(entry)}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return names


def _digest(entry: Entry) -> str:
    told = "\0".join((entry.user or "", entry.command, entry.stdin))
    return hashlib.sha256(told.encode()).hexdigest()[:DIGITS]


def _program(command: str) -> str:
    """The word that says what is run: not the test before it, nor the wrapper around it."""
    for part in _SEPARATORS.split(_SUBSTITUTION.sub("", command)):
        words = [word for word in part.split() if not _ASSIGNMENT.fullmatch(word)]
        while words and (words[0] in _WRAPPERS or words[0].startswith("-")):
            words = words[1:]
        if words and words[0] not in _PASSED_OVER:
            found = re.sub(r"[^A-Za-z0-9._+-]", "", words[0].rpartition("/")[2])
            if found:
                return found[:LONGEST_WORD]
    return "command"

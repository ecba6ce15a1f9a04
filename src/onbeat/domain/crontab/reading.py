"""Reads a crontab line by line: variables, entries, comments; a bad line stops no other.

The rules are those of Debian's cron (crontab(5), and its source where that is silent), with
cronie's CRON_TZ. Where we are kinder than cron, a warning says so.
"""

from __future__ import annotations

import re
from dataclasses import replace

from onbeat.domain.crontab import variables
from onbeat.domain.crontab.entries import Crontab, Entry, Passed, Remark
from onbeat.domain.crontab.lines import Line, split_lines
from onbeat.domain.crontab.times import NeverDue, read_time
from onbeat.domain.errors import InvalidInput

_WORD = re.compile(r"(@\S+)(?:[ \t]+(.*))?", re.S)
_FIELDS = re.compile(r"(\S+[ \t]+\S+[ \t]+\S+[ \t]+\S+[ \t]+\S+)(?:[ \t]+(.*))?", re.S)
_USER = re.compile(r"(\S+)[ \t]+(.*)", re.S)


def read_crontab(raw: bytes, *, has_user: bool, zone: str) -> Crontab:
    """Read a crontab; `has_user` for system crontabs, which name a user after the time.

    `zone` is whose wall clock the times follow where no CRON_TZ says otherwise. Never raises for
    what a line holds: each that cannot be used is in `passed` with its number and reason.
    """
    reader = _Reader(has_user=has_user, zone=zone)
    for line in split_lines(raw):
        reader.read(line)
    return Crontab(
        entries=tuple(reader.entries),
        passed=tuple(reader.passed),
        remarks=tuple(reader.remarks),
        variables=tuple(reader.set_at),
    )


class _Reader:
    """What has been read so far, and the variables that hold for the next line."""

    def __init__(self, *, has_user: bool, zone: str) -> None:
        self._has_user = has_user
        self._zone = zone
        self._variables: dict[str, str] = {}
        self.entries: list[Entry] = []
        self.passed: list[Passed] = []
        self.remarks: list[Remark] = []
        self.set_at: list[tuple[int, str]] = []

    def read(self, line: Line) -> None:
        """Take one line."""
        if line.is_silent:
            return
        try:
            if line.fault is not None:
                raise InvalidInput("line", line.fault)
            found = variables.read_variable(line.text)
            if found is None:
                self.entries.append(self._entry(line))
            else:
                self._set(line, *found)
        except InvalidInput as error:
            told = str(error).removeprefix("line: ")
            is_bad = not isinstance(error, NeverDue)
            self.passed.append(Passed(line=line.number, reason=told, is_bad=is_bad))

    def _set(self, line: Line, name: str, value: str) -> None:
        if name == variables.ZONE and value:
            variables.check_zone(value)
        self.set_at.append((line.number, name))
        if not variables.is_set_by_cron(name):
            self._variables = {**self._variables, name: value}
        for told in (*variables.remarks_on(name, value), *line.warnings):
            self.remarks.append(Remark(line=line.number, text=told))

    def _entry(self, line: Line) -> Entry:
        when, rest = _split_time(line.text)
        zone = self._variables.get(variables.ZONE) or self._zone
        recurrence, lenient = read_time(when, zone)
        user, command = _split_user(rest) if self._has_user else (None, rest)
        entry = Entry(
            line=line.number,
            when=" ".join(when.split()),
            recurrence=recurrence,
            command="",
            user=user,
            variables=self._variables,
            warnings=(*lenient, *line.warnings),
        )
        return _with_command(entry, command)


def _split_time(text: str) -> tuple[str, str]:
    match = (_WORD if text.startswith("@") else _FIELDS).fullmatch(text)
    if match is None:
        raise InvalidInput(
            "line", "it is neither NAME=value nor five time fields and a command; write "
            "minute hour day-of-month month day-of-week command",
        )  # fmt: skip
    return match[1], match[2] or ""


def _split_user(rest: str) -> tuple[str, str]:
    match = _USER.fullmatch(rest)
    if match is None:
        raise InvalidInput("line", "after the time it needs a user and a command; give both")
    return match[1], match[2]


def _with_command(entry: Entry, rest: str) -> Entry:
    """The entry with its command and what the command reads."""
    if not rest.strip() or rest.lstrip().startswith("%"):
        raise InvalidInput("line", "there is no command after the time; give one")
    if entry.user is None and rest.startswith("*"):
        raise InvalidInput("line", "the command begins with *: six time fields? cron has five")
    command, stdin = split_stdin(rest)
    warnings = entry.warnings
    if stdin:
        warnings += ("a bare % ends the command, the rest is its input; write \\% for a percent",)
    if entry.user is None and rest.split(maxsplit=1)[0] == "root":
        warnings += ("the command is `root`: if that is a user, give --user-field",)
    return replace(entry, command=command, stdin=stdin, warnings=warnings)


def split_stdin(text: str) -> tuple[str, str]:
    r"""The command up to the first bare %, and the input made of the rest.

    In the command `\%` is a percent and `\\` a backslash; in the input `%` ends a line and only
    `\%` is special: so do_command.c of Debian's cron has it.
    """
    match = re.match(r"(?:[^\\%]|\\.|\\\Z)*", text, re.S)
    command = match[0] if match else ""
    rest = text[len(command) + 1 :]
    plain = re.sub(r"\\([\\%])", r"\1", command)
    lines = re.sub(r"\\%|%", lambda found: "\n" if found[0] == "%" else "%", rest)
    return plain, lines if not lines or lines.endswith("\n") else f"{lines}\n"

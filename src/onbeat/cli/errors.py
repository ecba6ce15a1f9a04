"""What went wrong, told in one line: people read it, and with `--json` programs too."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import msgspec

from onbeat.cli.output.words import one_line
from onbeat.domain.errors import OnbeatError
from onbeat.domain.url_passwords import hide_passwords

USAGE = 2


class NotEnded(OnbeatError):
    """A job that was waited for goes on; the exit code is that of timeout(1)."""

    exit_code = 124


class Unhealthy(OnbeatError):
    """The doctor found something wrong."""

    exit_code = 1


class Unsound(OnbeatError):
    """The store does not keep its own laws."""

    exit_code = 1


def exit_code_of(error: BaseException) -> int:
    """What the program ends with."""
    code = getattr(error, "exit_code", 1)
    return code if isinstance(code, int) else 1


def complain(error: BaseException, arguments: Sequence[str]) -> None:
    """Write the error to stderr: a line, with `--json` one for programs, and asked for, a trace."""
    message = hide_passwords(one_line(_message(error)))
    if _is_asked("--debug", arguments) or os.environ.get("ONBEAT_DEBUG", "") not in ("", "0"):
        sys.stderr.write(hide_passwords("".join(traceback.format_exception(error))))
    sys.stderr.write(f"error: {message}\n")
    if _is_asked("--json", arguments):
        told = {
            "type": type(error).__name__,
            "field": getattr(error, "field", None),
            "message": message,
        }
        sys.stderr.write(msgspec.json.encode({"error": told}).decode() + "\n")


def _is_asked(option: str, arguments: Sequence[str]) -> bool:
    """Whether a flag is among the arguments: a command line that is wrong is read no further."""
    before = list(arguments)
    return option in (before[: before.index("--")] if "--" in before else before)


def _message(error: BaseException) -> str:
    if isinstance(error, OnbeatError):
        return str(error)
    usage = getattr(error, "format_message", None)
    if usage is not None:
        return _usage_message(str(usage()), error)
    return (
        f"unexpected {type(error).__name__}: {error}; "
        "run it again with --debug for the traceback, and report it"
    )


def _usage_message(message: str, error: BaseException) -> str:
    """What the parser says, and where the command's help is."""
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "onbeat")
    joint = " See" if message.endswith("?") else "; see"
    return f"{message.rstrip('.')}{joint} `{path} --help`"

"""Hides the secrets of jobs in what is written outside of any job.

A thread that a job has started itself does not know whose it is, nor does a library's. So what they
write is cleared of the secrets of every job that runs now in this process.
"""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import suppress

from onbeat.domain.secrets import Scrub
from onbeat.runtime.run import current_run

_in_use: dict[int, Scrub] = {}


def remember(scrub: Scrub) -> None:
    """A job with these secrets begins."""
    _in_use[id(scrub)] = scrub


def forget(scrub: Scrub | None) -> None:
    """It has ended."""
    _in_use.pop(id(scrub), None)


def is_anything_secret() -> bool:
    """Whether there is anything to hide in what is written here."""
    run = current_run.get()
    return bool(_in_use) if run is None else run.has_secrets


def hide(text: str) -> str:
    """The text without the secrets of the job that writes it, or of all where none is known to."""
    run = current_run.get()
    if run is not None:
        return run.hide(text)
    for scrub in tuple(_in_use.values()):
        text = scrub.text(text)
    return text


def tell_unwritable(record: logging.LogRecord) -> None:
    """Say on stderr, as `logging` does, that a record could not be written; without secrets."""
    if not logging.raiseExceptions:
        return
    with suppress(Exception):
        told = (
            f"--- Logging error ---\n{traceback.format_exc()}"
            f"Logged at {record.pathname}:{record.lineno}\n"
            f"Message: {record.msg!r}\nArguments: {record.args!r}\n"
        )
        sys.stderr.write(hide(told))

"""Errors of asyncio callbacks and tasks that a job has begun, and nobody waits for.

The loop logs them, outside of the job and with what was given to the callback. Here they are logged
as the job's own, so that its secrets are hidden in them.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from typing import Any

from onbeat.runtime.run import current_run

_log = logging.getLogger("asyncio")


def log_lost_error(loop: asyncio.AbstractEventLoop, lost: dict[str, Any]) -> None:
    """An exception handler of a loop: as the loop's own, but for what a job has begun."""
    own = _context_of(lost)
    run = None if own is None else own.get(current_run)
    error = lost.get("exception")
    if own is None or run is None or error is None or not run.has_secrets:
        loop.default_exception_handler(lost)
        return
    # The loop cuts long values in the middle, where neither half would be found.
    what = str(lost.get("message") or "an error").partition("(")[0]
    told = (type(error), error, error.__traceback__)
    own.run(_log.error, "%s", what, exc_info=told)


def _context_of(lost: dict[str, Any]) -> Context | None:
    for name in ("task", "future", "handle"):
        ask = getattr(lost.get(name), "get_context", None)
        if ask is not None:
            found: Context = ask()
            return found
    # Before Python 3.12 only handles tell.
    return getattr(lost.get("handle"), "_context", None)

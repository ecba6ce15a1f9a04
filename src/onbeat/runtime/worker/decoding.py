"""Reads the arguments of a job, so that what comes in only then is hidden if it is secret."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from onbeat.domain.secrets import Path
from onbeat.runtime.arguments import Arguments
from onbeat.runtime.run import Run


def decode_for(
    run: Run, arguments: Arguments, text: str | bytes, more: Iterable[Path] = ()
) -> dict[str, Any]:
    """The keyword arguments to call with, their secrets hidden in whatever `run` tells.

    `more` are places that were secret before. Raises InvalidArguments, and what a model raises.
    """
    if not run.has_secrets:
        return arguments.decode(text)
    try:
        kwargs = arguments.decode(text)
    except BaseException:
        run.hide_also(arguments.secrets_by_default())
        raise
    run.hide_also(arguments.values_of_secrets(kwargs, more))
    return kwargs

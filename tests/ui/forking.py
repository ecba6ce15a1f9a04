"""Processes of Onbeat that need not read its code first.

A story's process lives for seconds, of which reading the code takes two. One process per run reads
it and does nothing else; each process of a story is forked from that one, and from there on goes
the way of `python -m onbeat`.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from onbeat.cli.main import main

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

READ = ["tests.ui.forking", "onbeat.cli.commands.processes", "onbeat.api"]

forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(READ)


class Forked:
    """A process of `onbeat`, with its output."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        ours, its = forks.Pipe(duplex=False)
        self._process: ForkServerProcess = forks.Process(
            target=_go, args=(list(arguments), str(folder), dict(environment), its)
        )
        self._process.start()
        its.close()
        self._output = os.fdopen(os.dup(ours.fileno()), encoding="utf-8")
        ours.close()

    def line(self) -> str:
        """The next line of its output."""
        return self._output.readline()

    def stop(self) -> None:
        """Let it end, and wait until it has."""
        self._process.terminate()
        self._process.join(60)
        assert self._process.exitcode is not None, "it did not end"
        self._output.close()


def _go(arguments: list[str], folder: str, environment: dict[str, str], output: Connection) -> None:
    """Be what `python -m onbeat` would be there."""
    os.dup2(output.fileno(), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.argv = ["onbeat", *arguments]
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 (it lives as long as the process)
    main()

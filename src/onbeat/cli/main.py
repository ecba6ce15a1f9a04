"""The entry: run what is asked, and turn whatever goes wrong into one line and an exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from onbeat.cli.errors import complain, exit_code_of
from onbeat.cli.root import root

INTERRUPTED = 130


def main() -> None:
    """Run the command that the program was started with."""
    _write_what_can_be_written()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code."""
    try:
        code = root.main(args=arguments, prog_name="onbeat", standalone_mode=False)
        sys.stdout.flush()
    except SystemExit as asked:
        return asked.code if isinstance(asked.code, int) else 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _hang_up()
    except BaseException as error:
        complain(error, arguments)
        return exit_code_of(error)
    return code if isinstance(code, int) else 0


def _write_what_can_be_written() -> None:
    """Let a character that the stream's encoding lacks be a question mark, not a failure."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _hang_up() -> int:
    """Nobody reads our output any more (`| head`): say nothing, and let nothing be flushed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return 0

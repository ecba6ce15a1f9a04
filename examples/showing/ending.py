"""How a demo ends."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

from onbeat import OnbeatError

INTERRUPTED = 130


def code_of(work: Coroutine[Any, Any, int]) -> int:
    """The exit code it ends with; where something was wrong that, told in one line."""
    try:
        return asyncio.run(work)
    except OnbeatError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED

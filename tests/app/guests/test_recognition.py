"""Guests are recognised among what the caller has loaded."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from onbeat import InvalidInput, Onbeat, Settings

def greet() -> None: ...

try:
    Onbeat("sqlite:////nowhere/onbeat.db", settings=Settings()).task(greet).within(object())
except InvalidInput:
    print(*sorted({"django", "psycopg", "asyncpg", "sqlalchemy.ext.asyncio"} & sys.modules.keys()))
"""


def test_looking_for_guests_loads_none_of_their_libraries() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )

    assert (ran.stdout, ran.stderr) == ("\n", "")

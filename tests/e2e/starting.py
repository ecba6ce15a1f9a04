"""Starts an example as its users do, and only with what a test says to Onbeat."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def surroundings(**settings: str) -> dict[str, str]:
    """Ours, without what says something to Onbeat, but with its program."""
    plain = {name: value for name, value in os.environ.items() if "ONBEAT_" not in name}
    return {**plain, "PATH": f"{BIN}:{plain['PATH']}", **settings}


def start(
    module: str, *options: str, settings: dict[str, str], **more: Any
) -> subprocess.Popen[str]:
    """Its process, whose output can be read."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *options], cwd=ROOT,
        env=surroundings(**{"ONBEAT_PORT": "0", **settings}),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more,
    )  # fmt: skip

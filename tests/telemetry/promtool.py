"""Prometheus' own tool, which judges files and figures."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.servers.debian import needed


def approve(*arguments: str | Path, given: str | None = None) -> None:
    """Let promtool judge; it finds nothing to say, and gets `given` on stdin."""
    promtool = needed("promtool", package="prometheus")
    ran = subprocess.run(
        [promtool, *map(str, arguments)],
        input=given, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, f"{ran.stdout}{ran.stderr}"

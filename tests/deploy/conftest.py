"""Where processes of manifests are started: a folder with the application, and no settings."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.deploy.asking import DEPLOY


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the application that the compose files begin with."""
    for name in [name for name in os.environ if name.startswith("ONBEAT_")]:
        monkeypatch.delenv(name)
    shutil.copy(DEPLOY / "compose/app/shop.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path

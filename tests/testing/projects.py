"""A user's project in a folder, and pytest run in it as the user would."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]

SHOP = """
from onbeat import Onbeat, Retry, Run, cron

ob = Onbeat("postgresql://nobody@production.invalid/shop")


@ob.schedule(cron("30 1 * * *", tz="Europe/Paris"), catch_up="latest within 6h")
@ob.task
async def close_day(run: Run) -> None:
    run.log.info("closing")


@ob.task(retry=Retry(5, base="1m"))
def charge(order: int) -> int:
    return order
"""


SETTINGS = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""


def write_project(folder: Path, files: dict[str, str]) -> Path:
    """Write `files` into `folder`, with a distribution beside them whose plugin is ours.

    What pytest looks for is what is installed with Onbeat; from a source tree nothing is.
    """
    for name, text in {"pytest.ini": SETTINGS, **files}.items():
        (folder / name).write_text(text)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    entries = project["entry-points"]["pytest11"]
    installed = folder / "installed" / "onbeat_plugin-1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: onbeat-plugin\nVersion: 1\n")
    lines = [f"{name} = {module}" for name, module in entries.items()]
    (installed / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines, ""]))
    return folder


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in `folder`, with nothing of this project's own configuration."""
    path = os.pathsep.join([str(ROOT / "src"), str(folder / "installed")])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", ".", *options],
        cwd=folder,
        env={**kept, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

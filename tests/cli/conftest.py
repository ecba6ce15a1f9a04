"""A folder with an application in it, and the command line in that folder."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import Cli, Process, start

APP = """
import logging, os, threading, time
from onbeat import Onbeat, Retry, Run, every

ob = Onbeat()
not_an_app = 3

@ob.task(queue="billing", timeout="5m", retry=Retry(3, base="0s", never=(ValueError,)))
async def charge(run: Run, order_id: int, *, tenant: str = "acme") -> str:
    run.progress(0.5, note="calling")
    run.log.info("charged", order=order_id)
    logging.getLogger("shop").warning("from logging")
    return f"charged {order_id}"

@ob.task(retry=Retry(1))
async def fails(message: str) -> None:
    raise ValueError(message)

@ob.task
def waits_for(path: str) -> str:
    open(path + ".begun", "w").close()
    while not os.path.exists(path):
        time.sleep(0.01)
    return "seen"

@ob.schedule(every("1h"))
@ob.task(name="hourly-report", timeout="1m")
def report() -> None: ...

fails_always = fails
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with no settings in sight."""
    for name in [*os.environ, "ONBEAT_DB", "ONBEAT_APP", "ONBEAT_ENVIRONMENT"]:
        if name.startswith("ONBEAT_") and name != "ONBEAT_TEST_POSTGRES":
            monkeypatch.setenv(name, "")  # so that it is put back whatever a command sets
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("ONBEAT_API", "false")  # many run at once, and have one port
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def app(folder: Path) -> str:
    """Where the application is; a module of this test's own."""
    module = f"shop_{uuid.uuid4().hex}"
    (folder / f"{module}.py").write_text(APP)
    return f"{module}:ob"


@pytest.fixture
def cli(folder: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line in `folder`, without a process of its own."""
    return Cli(capsys)


@pytest.fixture
def database(cli: Cli) -> str:
    """A migrated SQLite database in the folder, which commands find by themselves."""
    cli.answer("db", "migrate")
    return "sqlite:///onbeat.db"


@pytest.fixture
def up(app: str, database: str) -> Iterator[Process]:
    """`onbeat up` on that database."""
    with start("up", "--app", app, "--json") as process:
        process.ready()
        yield process


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    """A database without tables, which commands find by themselves."""
    url = f"sqlite:///{folder / 'fresh.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    monkeypatch.setenv("ONBEAT_DB", url)
    return url

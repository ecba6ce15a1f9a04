"""A secret argument is in no output of any command, with the application at hand or without."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Cli, Process, start
from tests.waiting import wait_until

CANARY = 'c4nary-"quoted"/ü\nof two lines'
"""What must not be seen, in whatever form it is written."""

FRAGMENTS = ("c4nary", "quoted", "of two lines", "of%20two", "of+two")

APP = """
import asyncio
import gc
import logging
import threading
from dataclasses import dataclass, field
from onbeat import Onbeat, Permanent, RateLimited, Retry, Run, Secret, every

ob = Onbeat()

@dataclass
class Login:
    user: str
    password: Secret[str]
    spare: Secret[str] = field(default_factory=lambda: 'c4nary, "quoted"')

    def __post_init__(self):
        if self.user == "odd":
            raise ValueError(f"{self} is odd")

async def fail_with(word):
    raise ValueError(f"it is {word}")

@ob.task(retry=Retry(2, base="0s"))
async def log_in(run: Run, login: Login, how: str) -> str:
    word = login.password
    run.log.info(f"logging in with {word}", word=word, login=login, words=[word], **{word: 1})
    logging.getLogger("bank").warning("with %s", word, extra={"word": word, "pair": (word, [word])})
    run.progress(0.5, f"with {word}")
    if how == "fail":
        try:
            {"known": 1}[word]
        except KeyError:
            logging.getLogger("bank").exception("no such word")
            raise
    if how == "refuse":
        raise Permanent(f"the bank refuses {login}")
    if how == "lose":
        lost = asyncio.get_running_loop().create_task(fail_with(word))
        while not lost.done():
            await asyncio.sleep(0)
        del lost
        gc.collect()
    if how == "call back":
        asyncio.get_running_loop().call_soon(int, word)
        await asyncio.sleep(0)
    if how == "default":
        run.log.info(f"or with {login.spare}", login=login)
        logging.getLogger("bank").error("or with %s", login)
        raise KeyError(login.spare)
    if how == "misformat":
        logging.getLogger("bank").warning("%d", word)
    if how == "own thread":
        tell = logging.getLogger("bank").warning
        own = threading.Thread(target=tell, args=("with %s", word), kwargs={"extra": {"w": word}})
        own.start()
        own.join()
    if how == "thread":
        await asyncio.to_thread(int, word)
    if how == "snooze":
        run.snooze("1h", f"{word} is not ready")
    return f"logged in as {login}"
"""


@pytest.fixture
def bank(folder: Path) -> str:
    """An application whose task takes a secret."""
    module = f"bank_{uuid.uuid4().hex}"
    (folder / f"{module}.py").write_text(APP)
    return f"{module}:ob"


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either engine, which commands find by themselves."""
    monkeypatch.setenv("ONBEAT_DB", database_url)
    return database_url


def args(how: str) -> str:
    return json.dumps({"login": {"user": "ann", "password": CANARY}, "how": how})


def assert_unseen(*texts: str) -> None:
    for text in texts:
        assert [each for each in FRAGMENTS if each in text] == [], text


@pytest.fixture
def worker(bank: str, database: str) -> Iterator[Process]:
    """`onbeat up` with the application, telling everything."""
    with start("up", "--app", bank, "--json", ONBEAT_LOG_LEVEL="debug") as process:
        process.ready()
        yield process


WAYS = ("succeed", "fail", "refuse", "snooze", "lose", "call back", "thread", "default",
        "misformat", "own thread")  # fmt: skip
"""How a job may end, and tell its secret in doing so."""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_command_and_no_log_shows_a_secret(
    cli: Cli, bank: str, database: str, log_format: str
) -> None:
    asked = ("jobs", "enqueue", "log_in", "--app", bank, "--args")
    style = ("--json",) if log_format == "json" else ()
    with start("up", "--app", bank, *style, ONBEAT_LOG_LEVEL="debug") as process:
        process.until("service.running")
        jobs = {how: cli.answer(*asked, args(how))["job"]["id"] for how in WAYS}
        for job in jobs.values():
            wait_until(lambda job=job: has_run(cli, job))  # type: ignore[misc]
        process.signal(15)  # type: ignore[arg-type]
        written = process.end()

    assert_unseen(written.out, written.err)
    for how, job in jobs.items():
        for command in (("show", job), ("why", job), ("logs", job)):
            for style in ((), ("--json",)):
                result = cli("jobs", *command, *style)
                assert_unseen(result.out, result.err)
        shown = cli.answer("jobs", "show", job)
        assert shown["job"]["args"]["login"] == {"user": "ann", "password": "***"}
        assert len(shown["log"]) >= 2, how
    assert_unseen(cli("jobs", "ls").out, cli("jobs", "ls", "--json").out)


def has_run(cli: Cli, job: str) -> bool:
    shown = cli.answer("jobs", "show", job)
    if shown["job"]["state"] == "retrying":
        cli("jobs", "retry", job)
    return shown["job"]["state"] in {"completed", "failed", "scheduled"} and bool(shown["attempts"])


def test_no_schedule_shows_a_secret(cli: Cli, bank: str, database: str) -> None:
    made = ("schedules", "add", "daily", "--app", bank, "--task", "log_in", "--every", "1d")
    results = [cli(*made, "--args", args("succeed"))]
    results += [cli("schedules", "edit", "daily", "--priority", "7", "--json")]
    for command in (("show", "daily"), ("why", "daily"), ("ls",), ("occurrences", "daily")):
        results += [cli("schedules", *command, *style) for style in ((), ("--json",))]
    results += [cli("schedules", "versions", "daily", *style) for style in ((), ("--json",))]
    results += [cli("schedules", "trigger", "daily", *style) for style in ((), ("--json",))]
    results += [cli("jobs", "ls", "--json")]

    assert_unseen(*(text for each in results for text in (each.out, each.err)))
    shown = cli.answer("schedules", "show", "daily")
    assert shown["schedule"]["args"]["login"] == {"user": "ann", "password": "***"}


def test_a_schedule_that_was_shown_and_edited_still_has_its_secret(
    cli: Cli, bank: str, database: str, worker: Process
) -> None:
    made = ("schedules", "add", "daily", "--app", bank, "--task", "log_in", "--every", "1d")
    cli.answer(*made, "--args", args("fail"))
    cli.answer("schedules", "edit", "daily", "--priority", "7")
    job = cli.answer("schedules", "trigger", "daily")["job"]["id"]

    wait_until(lambda: has_run(cli, job))

    assert cli.answer("jobs", "show", job)["attempts"][0]["error"]["message"] == "'***'"


@pytest.mark.parametrize("with_app", [True, False])
def test_stars_that_were_copied_from_a_list_are_not_taken_for_the_secret(
    cli: Cli, bank: str, database: str, with_app: bool
) -> None:
    made = ("schedules", "add", "daily", "--app", bank, "--task", "log_in", "--every", "1d")
    cli.answer(*made, "--args", args("succeed"))
    copied = json.dumps(cli.answer("schedules", "show", "daily")["schedule"]["args"])

    app = ("--app", bank) if with_app else ()
    code, message = cli.refusal("schedules", "edit", "daily", "--args", copied, *app)

    assert code == 2
    assert message.startswith("login.password: it is ***, which stands for a secret")


def test_what_was_asked_for_without_the_application_is_hidden_once_a_worker_knows_it(
    cli: Cli, bank: str, database: str, worker: Process
) -> None:
    made = cli("jobs", "enqueue", "log_in", "--args", args("succeed"), "--delay", "1h", "--json")
    cli("schedules", "add", "daily", "--task", "log_in", "--every", "1d", "--args", args("x"))
    texts = [made.out, cli.text("schedules", "show", "daily"), cli.text("jobs", "ls", "--json")]

    assert_unseen(*texts)


@pytest.mark.parametrize(
    "login",
    [
        {"user": 1, "password": CANARY},
        {"user": "ann", "password": [CANARY]},
        {"password": CANARY},
        {"user": "odd", "password": CANARY},
        CANARY,
    ],
)
@pytest.mark.parametrize("style", [(), ("--json",)])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_arguments_that_are_refused_are_not_told(
    cli: Cli, bank: str, database: str, login: Any, style: tuple[str, ...]
) -> None:
    given = json.dumps({"login": login, "how": "x"})
    result = cli("jobs", "enqueue", "log_in", "--app", bank, "--args", given, *style)

    assert result.code == 2
    assert_unseen(result.out, result.err)


ENVIRONMENT = {"DB_PASSWORD": CANARY, "LANG": "C.UTF-8", "DSN": f"db://u:{'c4nary'}@host/"}
COMMAND = {"command": "printenv DB_PASSWORD; exit 3", "env": ENVIRONMENT}
HIDDEN_ENVIRONMENT = {"DB_PASSWORD": "***", "LANG": "C.UTF-8", "DSN": "***"}


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_secret_variable_of_a_command_is_in_no_output(
    cli: Cli, database: str, log_format: str
) -> None:
    style = ("--json",) if log_format == "json" else ()
    shell = {"ONBEAT_SHELL": "true", "ONBEAT_LOG_LEVEL": "debug"}
    made = cli("jobs", "enqueue", "shell", "--args", json.dumps(COMMAND), "--json")
    job = json.loads(made.out)["job"]["id"]
    with start("up", *style, **shell) as process:
        process.until("service.running")
        wait_until(lambda: has_run(cli, job))
        process.signal(15)  # type: ignore[arg-type]
        written = process.end()

    shown = cli.answer("jobs", "show", job)
    assert shown["job"]["args"]["env"] == HIDDEN_ENVIRONMENT
    results = [cli("jobs", command, job, *style) for command in ("show", "why", "logs")]
    results += [cli("jobs", "ls", *style), cli("jobs", "ls", "--state", "failed", *style), made]
    assert_unseen(
        written.out, written.err, *(text for each in results for text in (each.out, each.err))
    )


def test_a_secret_variable_of_a_scheduled_command_is_in_no_output(
    cli: Cli, folder: Path, database: str
) -> None:
    (folder / "tab").write_text("DB_PASSWORD='c4nary quoted'\nLANG=C\n*/5 * * * * run one\n")
    name = cli.answer("crontab", "import", "tab")["entries"][0]["schedule"]
    made = ("schedules", "add", "mine", "--task", "shell", "--every", "1d")
    results = [cli(*made, "--args", json.dumps(COMMAND), "--json")]
    results += [cli("schedules", "edit", name, "--priority", "7", "--json")]
    for each in (name, "mine"):
        for style in ((), ("--json",)):
            results += [cli("schedules", command, each, *style) for command in ("show", "versions")]
            results += [cli("schedules", "trigger", each, *style)]
    results += [cli("jobs", "ls", "--json"), cli("schedules", "ls", "--json")]

    assert {each.code for each in results} == {0}
    assert_unseen(*(text for each in results for text in (each.out, each.err)))
    shown = cli.answer("schedules", "show", name)["schedule"]["args"]
    assert shown["env"] == {"DB_PASSWORD": "***", "LANG": "C"}

"""`onbeat api` and `onbeat up`: the API as processes serve it; users, tokens and the audit log."""

from __future__ import annotations

import json
import re
import socket
from signal import SIGTERM
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from onbeat.cli.serving import Serving
from onbeat.domain.events import Emit
from onbeat.runtime.service import Service
from onbeat.store.store import Store
from tests.cli.running import Cli, start


def ask(address: str, token: str | None = None) -> tuple[int, Any]:
    """The status and the answer."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        with urlopen(Request(address, headers=headers), timeout=20) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def test_the_api_is_served_where_it_says_until_it_is_stopped(cli: Cli, database: str) -> None:
    token = cli.answer("tokens", "create", "ci", "--scopes", "queues:read")["token"]
    with start("api", "--port", "0", "--json") as process:
        address = process.ready()["api"]
        alive = ask(f"{address}/livez")
        closed, _ = ask(f"{address}/api/v1/queues")
        opened, _ = ask(f"{address}/api/v1/queues", token)

    assert (alive[0], closed, opened) == (200, 401, 200)


def test_up_serves_it_beside_its_other_parts(app: str, database: str) -> None:
    with start("up", "--app", app, "--json", ONBEAT_API="true", ONBEAT_PORT="0") as process:
        address = process.ready()["api"]
        assert ask(f"{address}/readyz")[0] == 200


@pytest.mark.parametrize("command", ["api", "up"])
def test_who_serves_it_says_where_it_is_and_where_it_is_tried(
    app: str, database: str, command: str
) -> None:
    asked, environment = (command, "--app", app), {"ONBEAT_API": "true", "ONBEAT_PORT": "0"}
    with start(*asked, "--json", **environment) as process:
        ready = process.ready()
        status = urlopen(ready["reference"], timeout=20).status  # noqa: S310
    with start(*asked, "--for", "10ms", **environment) as process:
        said = process.end().err

    assert (status, ready["reference"]) == (200, f"{ready['api']}/api/v1/reference")
    assert re.search(
        r"^ready: (?:the web UI is at http://127\.0\.0\.1:\d+/; )?the API is at "
        r"(http://127\.0\.0\.1:\d+), read and tried at \1/api/v1/reference$",
        said, re.MULTILINE,
    )  # fmt: skip


def never_made(store: Store, emit: Emit) -> Service:
    raise AssertionError("nothing is served")


@pytest.mark.parametrize("command", ["api", "up"])
def test_who_serves_it_says_what_to_do_where_the_web_ui_was_not_built(
    app: str, database: str, command: str
) -> None:
    asked = (command, "--app", app, "--for", "10ms")
    with start(*asked, ONBEAT_API="true", ONBEAT_PORT="0") as process:
        said = process.end().err

    assert ("the web UI is not built into this installation" in said) != ("web UI is at " in said)


def test_where_it_was_built_nothing_is_missing() -> None:
    here = "http://127.0.0.1:9266"
    has, lacks = [Serving(never_made, here, has_ui=each) for each in (True, False)]

    assert (has.ui, has.ui_is_missing) == (f"{here}/", None)
    assert lacks.ui is None
    assert lacks.ui_is_missing is not None
    assert "make ui" in lacks.ui_is_missing


def test_up_says_why_it_does_not_serve_it(app: str, database: str) -> None:
    with start("up", "--app", app, "--json", ONBEAT_API="false") as process:
        ready = process.ready()
    with start("up", "--app", app, "--for", "10ms", ONBEAT_API="false") as process:
        said = process.end().err

    assert (ready["api"], ready["reference"]) == (None, None)
    assert ready["api_not_served"] == "the setting api is false (ONBEAT_API)"
    assert "\nready: the API is not served: the setting api is false (ONBEAT_API)\n" in said


def test_a_worker_says_nothing_of_an_api_that_it_never_serves(app: str, database: str) -> None:
    with start("worker", "--app", app, "--json") as process:
        ready = process.ready()
    with start("worker", "--app", app, "--for", "10ms") as process:
        said = process.end().err

    assert (ready["api"], ready["api_not_served"]) == (None, None)
    assert "ready:" not in said


@pytest.fixture
def taken() -> Any:
    """A port that something else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize("command", ["api", "up"])
def test_a_port_that_is_taken_is_named(
    cli: Cli, app: str, database: str, taken: int, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_API", "true")
    monkeypatch.setenv("ONBEAT_PORT", str(taken))

    code, told = cli.refusal(command, "--app", app, "--for", "1ms")

    assert (code, str(taken) in told, "give another" in told) == (2, True, True)


LINK = re.compile(r"http://127\.0\.0\.1:\d+/api/v1/setup#token=(onb_set_\w+)")
"""With the token where no browser sends it, and no server or proxy writes it down."""


@pytest.mark.parametrize("command", ["api", "up"])
def test_the_first_start_prints_a_link_on_which_the_first_admin_is_made(
    app: str, database: str, command: str
) -> None:
    with start(command, "--app", app, "--json", ONBEAT_API="true", ONBEAT_PORT="0") as process:
        link = process.ready()["setup"]
        with urlopen(link.partition("#")[0], timeout=20) as page:  # noqa: S310 - ours
            assert page.status == 200
        process.signal(SIGTERM)
        told = process.end().err.splitlines()

    found = LINK.fullmatch(link)
    assert found is not None
    assert [line[:6] for line in told if found[1] in line] == ["note: "]
    assert [line for line in told if link in line] != []


def test_where_somebody_can_sign_in_it_prints_none(cli: Cli, database: str) -> None:
    cli.answer("users", "create", "ann", "--role", "admin")
    with start("api", "--port", "0", "--json", "--for", "1ms") as process:
        link = process.ready()["setup"]
        said = process.end().err

    assert (link, "onb_set_" in said) == (None, False)


def test_the_link_is_in_no_record(cli: Cli, database: str) -> None:
    with start("api", "--port", "0", "--json", "--for", "1ms") as process:
        link = process.ready()["setup"]
        process.end()

    assert LINK.fullmatch(link)
    assert cli.answer("audit", "ls")["audit"] == []
    assert cli.answer("tokens", "ls")["tokens"] == []


def test_users_are_added_changed_listed_and_removed(cli: Cli, database: str) -> None:
    cli.answer("users", "create", "root", "--role", "admin")
    cli.answer("users", "create", "Ann", "--role", "viewer", "--grants", "jobs:arguments")
    cli.answer("users", "edit", "ann", "--role", "operator", "--disable")
    listed = cli.answer("users", "ls")["users"]
    cli.answer("users", "rm", "ann")

    assert [(each["name"], each["role"]) for each in listed] == [
        ("ann", "operator"), ("root", "admin")
    ]  # fmt: skip
    assert listed[0]["grants"] == ["jobs:arguments"]
    assert len(cli.answer("users", "ls")["users"]) == 1


def test_tokens_are_made_listed_and_revoked_and_their_text_is_shown_once(
    cli: Cli, database: str
) -> None:
    made = cli.answer("tokens", "create", "ci", "--scopes", "jobs:read,jobs:enqueue")
    cli.answer("tokens", "revoke", made["id"])
    listed = cli.answer("tokens", "ls")["tokens"]

    assert made["token"] not in json.dumps(listed)
    assert [each["revoked_at"] is not None for each in listed] == [True]


def test_what_a_command_changes_is_on_record(cli: Cli, database: str) -> None:
    cli.answer("queues", "pause", "default")

    [entry] = cli.answer("audit", "ls")["audit"]

    assert (entry["action"], entry["subject"], entry["actor_kind"]) == (
        "queue.pause", "default", "cli",
    )  # fmt: skip


@pytest.mark.parametrize("command", ["redrive", "cancel"])
def test_what_is_asked_of_many_jobs_is_on_record(cli: Cli, database: str, command: str) -> None:
    cli.answer("jobs", command, "--task", "charge")

    [entry] = cli.answer("audit", "ls")["audit"]

    assert (entry["action"], entry["before"]["task"]) == (f"jobs.{command}", "charge")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("users", "create", "ann"), "role"),
        (("users", "create", "ann", "--role", "king"), "viewer, operator, admin"),
        (("users", "create", "a b", "--role", "admin"), "no spaces"),
        (("users", "edit", "ann"), "nothing is to change"),
        (("users", "create", "ann", "--role", "admin", "--grants", "all"), "no permission"),
        (("tokens", "create", "ci", "--scopes", "jobs:red"), "no permission"),
        (("tokens", "create", "ci", "--scopes", "jobs:read", "--user", "nobody"), "no user named"),
        (("tokens", "create", "", "--scopes", "jobs:read"), "name"),
        (("tokens", "create", "x", "--scopes", "jobs:read", "--expires-in", "9999d"), "3650"),
        (("tokens", "revoke", "x"), "not a token id"),
        (("audit", "ls", "--since", "soon"), "since"),
    ],
)
def test_what_is_wrong_is_named(
    cli: Cli, database: str, arguments: tuple[str, ...], words: str
) -> None:
    _, told = cli.refusal(*arguments)

    assert words in told

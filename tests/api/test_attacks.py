"""What is sent by those who mean harm: it is data everywhere, and secrets are in no log."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from onbeat import Onbeat
from onbeat.api.bodies import PREFIX
from onbeat.domain.access import Role
from tests.api.asking import PASSWORD, Client, person
from tests.api.test_isolation import DESCRIBED

INJECTIONS = ("' OR '1'='1", "x'); DROP TABLE onbeat_jobs; --", '" OR 1=1 --', "%' OR 1=1 --", "_%")
"""What would be more than a text, were it put into a statement (CWE-89)."""


def filters() -> Iterator[tuple[str, str]]:
    """Each list with each of its parameters that takes a text."""
    for path, operations in DESCRIBED.items():
        for parameter in operations.get("get", {}).get("parameters", ()):
            schema = parameter["schema"]
            kinds = [each.get("type") for each in (schema, *schema.get("anyOf", ()))]
            if parameter["in"] == "query" and ({"string", "array"} & set(kinds)):
                yield path.removeprefix(PREFIX), parameter["name"]


def finds_nothing(answer: httpx.Response) -> bool:
    """Whether no row is told of: a file has its header, figures are by a name and not rows."""
    if answer.status_code != 200:
        return True
    if answer.headers["content-type"].startswith("text/csv"):
        return len(answer.text.splitlines()) == 1
    found = answer.json().get("data", [])
    return found == [] or isinstance(found, dict)


def places() -> list[tuple[str, str]]:
    """Each route that finds something by what its path says."""
    return [
        (method.upper(), path)
        for path, operations in DESCRIBED.items()
        for method in operations
        if "{" in path and method != "put"
    ]


async def stands(client: Client) -> int:
    """How many jobs there are: none goes, whatever is sent."""
    return len((await client.told("GET", "/jobs"))["data"])


@pytest.fixture(autouse=True)
async def _jobs(admin: Client) -> None:
    for each in range(2):
        await admin.told("POST", "/jobs", 201, json={"task": "t", "args": {"at": each}})


async def test_a_filter_is_a_text_whatever_it_says(ann: Client) -> None:
    asked = 0
    for path, name in filters():
        if "{" in path:
            continue
        for text in INJECTIONS:
            answer = await ann.get(path, params={name: text})
            assert answer.status_code in (200, 400, 404), (path, name, answer.text)
            assert finds_nothing(answer), (path, name, text, answer.text)
            asked += 1

    assert asked > 50
    assert await stands(ann) == 2


async def test_a_name_in_a_path_is_a_text_whatever_it_says(admin: Client) -> None:
    for method, path in places():
        before, _, after = path.partition("{")
        rest = after.partition("}")[2]
        address = f"{before.removeprefix(PREFIX)}{quote(INJECTIONS[1], safe='')}{rest}"
        answer = await admin.request(method, address, json={})
        assert answer.status_code in (200, 204, 400, 404, 409), (method, path, answer.text)

    assert await stands(admin) == 2


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x=1", "a\nb", "a\x00b"])
async def test_a_header_cannot_be_slipped_in_by_a_name(admin: Client, name: str) -> None:
    body = {"name": name, "task": "t", "every": "1h"}
    answer = await admin.post("/schedules", json=body)

    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


@pytest.fixture
async def clara(ob: Onbeat) -> None:
    """Somebody who can sign in."""
    await person(ob, "clara", Role.VIEWER)


@pytest.mark.usefixtures("clara")
async def test_a_guess_at_a_name_that_is_none_takes_as_long_as_at_one_that_is(
    nobody: Client,
) -> None:
    async def took(name: str) -> float:
        began = time.process_time()
        answer = await nobody.post("/auth/login", json={"name": name, "password": "x" * 20})
        assert answer.status_code == 401
        return time.process_time() - began

    # Two each: after five wrong guesses the address is shut. Without the same work one that is
    # none would take a fiftieth.
    known = statistics.median([await took("clara") for _ in range(2)])
    unknown = statistics.median([await took("nobody") for _ in range(2)])

    assert 0.3 < unknown / known < 3


def run(*arguments: str, database: str, log: Any) -> str:
    """What a command says; its log goes where the API's does."""
    environment = {**os.environ, "ONBEAT_DB": database}
    return subprocess.run(
        [sys.executable, "-m", "onbeat", *arguments],
        env=environment, check=True, stdout=subprocess.PIPE, stderr=log, text=True,
    ).stdout  # fmt: skip


SECRETS = {
    "ONBEAT_CRON_SECRET": "cron-secret-of-this-test",
    "ONBEAT_JWT_SECRET": "jwt-secret-of-this-test-and-32-bytes",
    "ONBEAT_SECRET_KEY": "c2VjcmV0LWtleS1vZi10aGlzLXRlc3QtMzItYnl0ZXM=",
}


def test_no_secret_is_in_the_log(tmp_path: Any) -> None:
    database, log = f"sqlite:///{tmp_path}/onbeat.db", tmp_path / "log"
    with log.open("w") as out:
        run("db", "migrate", database=database, log=out)
        run("users", "create", "root", "--role", "admin", database=database, log=out)
        made = run("tokens", "create", "all", "--scopes", "jobs:read,users:manage", "--json",
                   database=database, log=out)  # fmt: skip
        token = json.loads(made)["token"]
        process = subprocess.Popen(
            [sys.executable, "-m", "onbeat", "api", "--port", "0", "--json"], text=True,
            env={**os.environ, **SECRETS, "ONBEAT_DB": database, "ONBEAT_LOG_LEVEL": "debug"},
            stdout=subprocess.PIPE, stderr=out,
        )  # fmt: skip
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["ready"]["api"]
        ask_with_secrets(address, token)
        process.terminate()
        rest, _ = process.communicate(timeout=60)
    told = rest + log.read_text()

    wanted = {**SECRETS, "token": token, "password": PASSWORD, "guess": "a wrong guess of eve"}
    assert [name for name, secret in wanted.items() if secret in told] == []
    assert "api" in told  # something was logged at all


def ask_with_secrets(address: str, token: str) -> None:
    """Ask in every way in which a secret is sent, right and wrong."""
    with httpx.Client(base_url=f"{address}/api/v1") as client:
        bearer = {"Authorization": f"Bearer {token}"}
        client.get("/jobs", headers=bearer)
        client.get("/jobs", params={"token": token})
        client.get(
            "/cron/tick", headers={"Authorization": f"Bearer {SECRETS['ONBEAT_CRON_SECRET']}"}
        )
        client.post("/users", headers=bearer,
                    json={"name": "eve", "role": "viewer", "password": PASSWORD})  # fmt: skip
        client.post("/auth/login", json={"name": "eve", "password": PASSWORD})
        client.post("/auth/login", json={"name": "eve", "password": "a wrong guess of eve"})
        client.post("/users", headers=bearer, json={"name": 7, "password": PASSWORD})

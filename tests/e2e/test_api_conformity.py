"""Every route, asked with whatever its description allows and forbids: it answers as described.

The API is a process of its own, on a file of its own, asked over HTTP by an admin.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import checks
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks as response_checks

from onbeat.domain.access import Permission

EXAMPLES = 15
"""Requests of each kind for each route."""

CHECKS = [
    checks.not_a_server_error,
    response_checks.status_code_conformance,
    response_checks.content_type_conformance,
    response_checks.response_schema_conformance,
    response_checks.unsupported_method,
]
"""What an answer must be. That all is taken that the description allows is not among them: it does
not say what a name is."""

LEFT_OUT = {"/api/v1/cron/tick", "/api/cron/scheduler", "/api/v1/auth/login"}
"""What may be asked ten times a minute, or shuts after five wrong guesses."""


def run(*arguments: str, database: Path) -> bytes:
    """What a command says."""
    return subprocess.run(
        [sys.executable, "-m", "onbeat", *arguments],
        env={**os.environ, "ONBEAT_DB": f"sqlite:///{database}"}, check=True, capture_output=True,
    ).stdout  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Where the API is, and a token that allows all."""
    database = tmp_path_factory.mktemp("api") / "onbeat.db"
    run("db", "migrate", database=database)
    run("users", "create", "root", "--role", "admin", database=database)
    scopes = ",".join(Permission)
    made = run("tokens", "create", "all", "--scopes", scopes, "--json", database=database)
    process = subprocess.Popen(
        [sys.executable, "-m", "onbeat", "api", "--port", "0", "--json"],
        env={**os.environ, "ONBEAT_DB": f"sqlite:///{database}"},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    ready = msgspec.json.decode(process.stdout.readline())["ready"]
    yield ready["api"], msgspec.json.decode(made)["token"]
    process.terminate()
    process.communicate(timeout=60)


def test_every_route_answers_as_it_is_described(served: tuple[str, str]) -> None:
    address, token = served
    schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
    known = schema["/api/v1/me"]["GET"].Case().call(headers={"Authorization": f"Bearer {token}"})
    assert known.status_code == 200, "it asks elsewhere than the description says"
    wrong: dict[str, str] = {}
    asked = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.path not in LEFT_OUT:
            asked += 1
            for mode in schemathesis.GenerationMode:
                if told := what_is_wrong(operation, mode, token):
                    wrong[f"{operation.label}, {mode.value}"] = told

    assert wrong == {}
    assert asked > 20


def what_is_wrong(operation: Any, mode: schemathesis.GenerationMode, token: str) -> str | None:
    """The first answer that is not as described; None where all are, or nothing can be asked."""

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck), phases=[Phase.generate])  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    try:
        ask()
    except Unsatisfiable:
        return None
    except (Exception, BaseExceptionGroup) as error:
        return str(error)[:2_000]
    return None

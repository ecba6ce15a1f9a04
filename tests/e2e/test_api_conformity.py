"""Every route, asked with whatever its description allows and forbids: it answers as described.

The API is a process of its own, on a database of its own on either engine, asked by an admin.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import FlakyStrategyDefinition, Unsatisfiable
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import checks
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks as response_checks

from onbeat.domain.access import Permission, Role
from onbeat.domain.request_keys import HEADER

EXAMPLES = 8
"""Requests of each kind for each route, on each engine."""

CHECKS = [
    checks.not_a_server_error,
    response_checks.status_code_conformance,
    response_checks.content_type_conformance,
    response_checks.response_schema_conformance,
    response_checks.unsupported_method,
]
"""What an answer must be. That all is taken that the description allows is not among them: it does
not say what a name is."""

IN_CHAINS = [response_checks.use_after_free, response_checks.ensure_resource_availability]
"""What is taken away is there no more, what was made is there."""

CHAINS, STEPS, ROUNDS = 20, 20, 24
FEWEST_ROUNDS, FEWEST_ROUTES = 3, 30
"""Each takes some 12 s: it is enough when so many routes have been answered in so many rounds."""

FIRST_SEED = {"sqlite": 0, "postgresql": 1_000}
"""The engines share the time there is: what one is asked in chains, the other is not."""

NOBODYS = "0" * 32

LEFT_OUT = {"/api/v1/cron/tick", "/api/cron/scheduler", "/api/v1/auth/login"}
"""What may be asked ten times a minute, or shuts after five wrong guesses."""


OF_OWNERS = ("/jobs/schedule", "/api/v1/schedules", "/api/v1/backfills", "/api/v1/webhooks")
"""What is asked by a user too."""

APP = """
from onbeat import Onbeat

ob = Onbeat()


@ob.task(for_users=True)
async def remind(user_id: str, text: str = "") -> None: ...
"""

PROBES = {"/api/admin/schedulers/health"}
"""What says 503 here, in the words of its description, since no scheduler runs beside the API."""


def checks_of(path: str) -> list[Any]:
    """What an answer of that route must be."""
    return CHECKS[1:] if path in PROBES else CHECKS


def run(*arguments: str, database: str) -> bytes:
    """What a command says."""
    return subprocess.run(
        [sys.executable, "-m", "onbeat", *arguments],
        env=settings_of(database), check=True, capture_output=True,
    ).stdout  # fmt: skip


def settings_of(database: str) -> dict[str, str]:
    """The environment of the processes."""
    key = "a key of a test that has 32 characters or more"
    return {**os.environ, "ONBEAT_DB": database, "ONBEAT_SECRET_KEY": key}


@pytest.fixture
def served(tmp_path: Path, database_url: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Where the API is, and the tokens of who may do all and of a user.

    Each test has one of its own: whoever may do all may take its own token away, by chance.
    """
    (tmp_path / "shop.py").write_text(APP)
    run("users", "create", "root", "--role", "admin", database=database_url)
    scopes = ",".join(Permission)
    made = run("tokens", "create", "all", "--scopes", scopes, "--json", database=database_url)
    own = ("--scopes", ",".join(Role.OWNER.permissions), "--owner", "amy")
    users = run("tokens", "create", "amy", *own, "--json", database=database_url)
    process = subprocess.Popen(
        [sys.executable, "-m", "onbeat", "api", "--app", "shop:ob", "--port", "0", "--json"],
        env=settings_of(database_url), cwd=tmp_path, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    ready = msgspec.json.decode(process.stdout.readline())["ready"]
    texts = {"all": made, "owner": users}
    yield ready["api"], {who: msgspec.json.decode(text)["token"] for who, text in texts.items()}
    process.terminate()
    process.communicate(timeout=60)


def description_of(address: str) -> Any:
    """The description, which is made when it is first asked for: seconds, where much else runs."""
    return schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json", timeout=60)


@pytest.mark.timeout(900)
def test_every_route_answers_as_it_is_described(served: tuple[str, Mapping[str, str]]) -> None:
    address, tokens = served
    schema = description_of(address)
    for token in tokens.values():
        headers = {"Authorization": f"Bearer {token}"}
        known = schema["/api/v1/me"]["GET"].Case().call(headers=headers)
        assert known.status_code == 200, "it asks elsewhere than the description says"
    wrong: dict[str, str] = {}
    asked = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.path not in LEFT_OUT:
            asked += 1
            askers = tokens if operation.path.startswith(OF_OWNERS) else ["all"]
            for mode, who in product(schemathesis.GenerationMode, askers):
                if told := what_is_wrong(operation, mode, tokens[who]):
                    wrong[f"{operation.label}, {mode.value}, {who}"] = told

    assert wrong == {}
    assert asked > 20


@pytest.mark.timeout(900)
def test_what_one_request_makes_others_find_change_and_take_away(
    served: tuple[str, Mapping[str, str]], database_url: str
) -> None:
    address, tokens = served
    token = tokens["all"]
    schema = description_of(address)
    headers = {"Authorization": f"Bearer {token}"}
    listed = (
        schema["/api/v1/tokens"]["GET"]
        .Case(query={"everybody": "true"})
        .call(headers=headers)
        .json()["data"]
    )
    own = {each["id"] for each in listed}
    answered: set[tuple[str, int]] = set()
    wrong: list[str] = []
    chained = requests_of(schema, headers, own, answered, wrong)
    first = FIRST_SEED[database_url.partition(":")[0]]
    for number in range(ROUNDS):
        run_chains(chained, first + number)
        if wrong or (number + 1 >= FEWEST_ROUNDS and is_enough(answered)):
            break

    assert wrong == []
    assert is_enough(answered), sorted(answered)


def requests_of(
    schema: Any, headers: Mapping[str, str], own: Collection[str], answered: set[tuple[str, int]],
    wrong: list[str],
) -> type[Any]:  # fmt: skip
    """Chains of requests, whose answers are noted in `answered`, and in `wrong` what was wrong with
    one. They leave their `own` tokens alone.
    """

    class Requests(schema.as_state_machine()):  # type: ignore[misc]
        """Chains of requests, each with what those before were answered."""

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": headers}

        def before_call(self, case: Any) -> None:
            case.headers.pop(HEADER, None)  # chance would give the same key to other requests
            if case.path_parameters.get("token") in own:
                case.path_parameters["token"] = NOBODYS  # or nothing is answered from there on

        def validate_response(self, response: Any, case: Any, **options: Any) -> None:
            if case.operation.path in LEFT_OUT:
                return
            answered.add((case.operation.label, response.status_code))
            wanted = [*checks_of(case.operation.path), *IN_CHAINS]
            try:
                case.validate_response(
                    response, checks=wanted, recorder=self.recorder, headers=headers,
                )  # fmt: skip
            except (Exception, BaseExceptionGroup) as error:
                wrong.append(f"{case.operation.label}: {error}"[:2_000])
                raise

    return Requests


def run_chains(requests: Any, number: int) -> None:
    """A round of chains, each round others.

    What was answered before decides what is asked: the same chain may be another the next time,
    which ends a round; the next begins with another seed.
    """
    with suppress(FlakyStrategyDefinition):
        run_state_machine_as_test(
            seed(number)(requests),
            settings=settings(
                max_examples=CHAINS, stateful_step_count=STEPS, deadline=None, database=None,
                suppress_health_check=list(HealthCheck), phases=[Phase.generate],
            ),
        )  # fmt: skip


def is_enough(answered: Collection[tuple[str, int]]) -> bool:
    """Whether so many routes did what was asked, and one of them to what another had made."""
    reached = {name for name, status in answered if status < 300}
    return len(reached) > FEWEST_ROUTES and any("{" in name for name in reached)


def what_is_wrong(operation: Any, mode: schemathesis.GenerationMode, token: str) -> str | None:
    """The first answer that is not as described; None where all are, or nothing can be asked."""

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck), phases=[Phase.generate])  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(
            headers={"Authorization": f"Bearer {token}"}, checks=checks_of(operation.path)
        )

    try:
        ask()
    except Unsatisfiable:
        return None
    except (Exception, BaseExceptionGroup) as error:
        return str(error)[:2_000]
    return None

"""Reports and objectives over the API."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from starlette.types import ASGIApp

from onbeat import Onbeat
from onbeat.api.bodies import PREFIX
from onbeat.api.routes.reports import preferred
from onbeat.domain.access import Permission
from onbeat.domain.attempts import Failure
from onbeat.store import tasks
from onbeat.store.tasks import KnownTask
from tests import factories
from tests.api.asking import HOST, Client, allowed
from tests.contract.world import acked, begin, claim_one

ERROR = "order 4711 of ann"


@pytest.fixture
async def failed(ob: Onbeat) -> None:
    """A job that failed for good."""
    store = await ob.store()
    await store.enqueue([factories.job(task="charge")])
    claimed = await claim_one(store, await begin(store))
    error = Failure(type="ValueError", message=ERROR)
    await acked(store, factories.ack(claimed, "bury", failure=error))


async def test_a_report_tells_failures_by_fingerprint(admin: Client, failed: None) -> None:
    told = await admin.told("GET", "/reports", params={"window": "1d", "kind": "queue"})

    [group] = told["failures"]["groups"]
    assert (group["type"], group["message"], group["text"]) == (
        "ValueError", "order <n> of ann", f"ValueError: {ERROR}",
    )  # fmt: skip
    assert (group["number"], group["final"], group["tasks"]) == (1, 1, {"charge": 1})
    assert (told["kind"], told["rows"], told["total"]["completed"]) == ("queue", [], 0)


@pytest.mark.parametrize("form", ["json", "csv", "html"])
async def test_who_may_not_see_arguments_sees_no_texts(
    app: ASGIApp, ob: Onbeat, failed: None, form: str
) -> None:
    async with allowed(ob, app, Permission.JOBS_READ) as client:
        answer = await client.get(f"{HOST}{PREFIX}/reports", params={"format": form})

    assert answer.status_code == 200
    assert "4711" not in answer.text
    assert "of ann" not in answer.text


@pytest.mark.parametrize(
    ("asked", "media_type"),
    [({"params": {"format": "html"}}, "text/html"), ({"params": {"format": "csv"}}, "text/csv"),
     ({"headers": {"accept": "text/html,*/*;q=0.8"}}, "text/html"), ({}, "application/json")],
)  # fmt: skip
async def test_it_is_answered_as_is_asked(
    app: ASGIApp, ob: Onbeat, asked: dict[str, Any], media_type: str
) -> None:
    async with allowed(ob, app, Permission.JOBS_READ) as client:
        answer = await client.get(f"{HOST}{PREFIX}/reports", **asked)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["vary"] == "Accept"
    if media_type == "text/html":
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("accept", "form"),
    [("", "json"), ("*/*", "json"), ("text/csv", "csv"), ("text/html;q=0.5, text/csv", "csv"),
     ("text/html;q=0", "json"), ("application/json, text/html", "json"), ("a/b;q=x", "json")],
)  # fmt: skip
def test_what_a_client_wants_most_is_preferred(accept: str, form: str) -> None:
    assert preferred(accept) == form


@pytest.mark.parametrize(
    "asked", [{"window": "soon"}, {"window": "181d"}, {"kind": "colour"}, {"format": "pdf"}]
)
async def test_what_is_wrong_is_named(admin: Client, asked: dict[str, str]) -> None:
    told = await admin.told("GET", "/reports", 400, params=asked)

    assert next(iter(asked)) in told["detail"]


async def test_an_objective_of_what_nobody_knows_is_set_and_says_so_with_the_nearest(
    admin: Client, ob: Onbeat
) -> None:
    known = partial(tasks.tell, known=[KnownTask("charge")])
    await (await ob.store()).write(known)

    made = await admin.told("PUT", "/objectives/task/charges", json={"target": 0.999})
    right = await admin.told("PUT", "/objectives/task/charge", json={"target": 0.999})
    seen = await admin.told("GET", "/objectives/task/charges")

    assert made["warnings"] == [
        "nobody knows a task 'charges' (is charge meant?); the objective holds once there is one"
    ]
    assert (right["warnings"], seen["warnings"], seen["target"]) == ([], [], 0.999)


async def test_an_objective_is_set_shown_and_taken_away(admin: Client) -> None:
    before = await admin.told("GET", "/objectives/task/charge")
    made = await admin.told("PUT", "/objectives/task/charge", json={"target": 0.999})
    listed = await admin.told("GET", "/objectives")
    await admin.told("DELETE", "/objectives/task/charge", 204)

    assert (before["is_default"], before["target"]) == (True, 0.99)
    assert (made["subject"], made["target"], made["window"]) == ("task/charge", 0.999, "30d")
    assert listed["data"] == [made]
    assert (await admin.told("GET", "/objectives"))["data"] == []
    await admin.told("DELETE", "/objectives/task/charge", 404)
    entries = (await admin.told("GET", "/audit"))["data"]
    assert [each["action"] for each in entries[:2]] == ["objective.remove", "objective.set"]
    assert entries[1]["after"]["target"] == 0.999


@pytest.mark.parametrize(
    ("subject", "body", "field"),
    [("task/a", {"target": 1}, "target"), ("task/a", {"target": 0.9, "window": "1h"}, "window"),
     ("job/a", {"target": 0.9}, "subject"), ("task/a", {}, "target")],
)  # fmt: skip
async def test_an_objective_that_is_wrong_is_refused(
    admin: Client, subject: str, body: dict[str, Any], field: str
) -> None:
    told = await admin.told("PUT", f"/objectives/{subject}", 400, json=body)

    assert field in told["detail"]


async def test_who_may_only_read_sets_none(app: ASGIApp, ob: Onbeat) -> None:
    async with allowed(ob, app, Permission.JOBS_READ) as client:
        answer = await client.put(f"{HOST}{PREFIX}/objectives/task/a", json={"target": 0.9})

    assert answer.status_code == 403

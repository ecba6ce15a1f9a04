"""The API within an application of somebody's own, under any path, behind any proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

import jwt
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.types import ASGIApp

from onbeat import Onbeat, Settings
from onbeat.api import lifespan, make_asgi
from onbeat.domain.access import Permission, Role
from onbeat.store.store import Store
from tests.api.asking import HOST, Client, asking, person
from tests.waiting import wait_for

UNDER = "/tools/onbeat"
SECRET = "a secret of thirty-two bytes or more"  # noqa: S105 - of tests


def shop(database_url: str) -> Onbeat:
    """An application with a task, and another issuer that it believes."""
    ob = Onbeat(database_url, settings=Settings(jwt_secret=SECRET))

    @ob.task
    def greet(name: str) -> str:
        return f"hello {name}"

    return ob


def of_fastapi(ob: Onbeat) -> FastAPI:
    """An application of somebody's own."""
    app = FastAPI(lifespan=lifespan(ob, worker=True, scheduler=True))
    app.mount(UNDER, make_asgi(ob))
    return app


def of_starlette(ob: Onbeat) -> Starlette:
    """The same, with a lifespan of its own around ours."""

    @asynccontextmanager
    async def alive(app: object) -> AsyncIterator[None]:
        async with lifespan(ob, worker=True, scheduler=True)(app):
            yield

    app = Starlette(lifespan=alive)
    app.mount(UNDER, make_asgi(ob))
    return app


@asynccontextmanager
async def admin_of(ob: Onbeat, app: ASGIApp, under: str = UNDER) -> AsyncIterator[Client]:
    """Who may do all, at an application that has it mounted."""
    made = await ob.tokens.create("root", frozenset(Permission), by="test")
    async with asking(app, made.text) as client:
        client.base_url = f"{HOST}{under}/api/v1"
        yield client


def alive(app: FastAPI | Starlette) -> AbstractAsyncContextManager[object]:
    """As a server keeps it."""
    return app.router.lifespan_context(app)


@pytest.mark.parametrize("host", [of_fastapi, of_starlette])
async def test_what_is_asked_of_a_mounted_api_is_run_by_the_worker_of_the_lifespan(
    database_url: str, host: Callable[[Onbeat], FastAPI | Starlette]
) -> None:
    ob = shop(database_url)
    app = host(ob)
    async with alive(app), admin_of(ob, app) as admin:
        said = {"task": "greet", "args": {"name": "ann"}}
        made = await admin.told("POST", "/jobs", 201, json=said)

        async def is_done() -> bool:
            return bool((await admin.told("GET", f"/jobs/{made['id']}"))["state"] == "completed")

        await wait_for(is_done)


async def test_the_lifespan_closes_what_it_has_opened(database_url: str) -> None:
    ob = shop(database_url)
    async with lifespan(ob, worker=True)(None):
        store: Store = await ob.store()
        assert [worker.draining for worker in await ob.workers.list()] == [False]

    async with ob:
        assert await ob.store() is not store
        assert await ob.workers.list() == []


async def test_a_mounted_api_describes_itself_where_it_is(database_url: str) -> None:
    ob = shop(database_url)
    app = of_fastapi(ob)
    async with alive(app), admin_of(ob, app) as admin:
        document = await admin.get("/openapi.json")
        server = document.json()["servers"][0]["url"]
        root = urljoin(str(document.url), server).rstrip("/")

        assert root == f"{HOST}{UNDER}"
        assert (await admin.get(f"{root}/api/v1/queues")).status_code == 200


@pytest.mark.parametrize("name", ["nightly", "夜", "shop/nightly", "50%"])
async def test_what_is_made_is_found_where_its_location_says_behind_a_proxy(
    admin: Client, name: str
) -> None:
    # The proxy takes /public away, so that the application never hears of it.
    public = "https://example.test/public/api/v1/schedules"
    said = {"name": name, "task": "t", "every": "1h"}
    made = await admin.post("/schedules", json=said)
    assert made.status_code == 201, made.text

    there = urlsplit(urljoin(public, made.headers["Location"])).path
    found = await admin.get(f"{HOST}{there.removeprefix('/public')}")

    assert found.json()["name"] == name


async def test_it_believes_the_issuer_that_the_settings_name(database_url: str) -> None:
    ob = shop(database_url)
    soon = datetime.now(UTC) + timedelta(minutes=5)
    token = jwt.encode({"sub": "ann", "exp": soon}, SECRET, "HS256")
    async with ob, asking(make_asgi(ob), token) as ann:
        assert (await ann.told("GET", "/me"))["name"] == "ann"


async def test_a_person_stays_signed_in_under_a_path(database_url: str) -> None:
    ob = shop(database_url)
    app = of_fastapi(ob)
    async with alive(app), asking(app) as ann:
        await person(ob, "ann", Role.VIEWER)
        ann.base_url = f"{HOST}{UNDER}/api/v1"
        await ann.sign_in("ann")

        assert (await ann.told("GET", "/me"))["name"] == "ann"

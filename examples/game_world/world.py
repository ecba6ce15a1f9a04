"""The world's server: GraphQL and REST over HTTP, with a token, in a process of its own.

`python -m examples.game_world.world STATE` serves the file at `WORLD_PORT` (9380); with `REDIS_URL`
it publishes what happens. It is the example's other side: nothing in it knows of Onbeat.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from graphql import build_schema, graphql_sync

from examples.game_world.rules import Effect, Event, Settlement, Structure, Verdict, World, verdict
from examples.game_world.state import Missing, Overtaken, State

HOST = "127.0.0.1"
PORT = 9380

SCHEMA = build_schema("""
type Campaign { id: ID!  worldTime: String! }
type Variables { granary: Int!  treasury: Int!  fertility: String!  isBesieged: Boolean! }
type Settlement {
  id: ID!  campaignId: ID!  level: Int!  population: Int!  grownAt: String!  steps: Int!
  variables: Variables!
}
type Structure {
  id: ID!  campaignId: ID!  constructionStartedAt: String!  constructionDays: Int!
  maintenanceDays: Int!  wear: Int!  dependsOn: [ID!]!  lastMaintenanceAt: String
  isOperational: Boolean!  isUpgradeAvailable: Boolean!  health: Int!  steps: Int!
}
type Event {
  id: ID!  campaignId: ID!  scheduledAt: String!  graceDays: Int!  isEncounter: Boolean!
  needsPlayers: Boolean!  repeatsDays: Int  endedAt: String
}
type Effect {
  id: ID!  campaignId: ID!  settlementId: ID!  amount: Int!  executeAt: String!
}
type Query {
  campaigns: [Campaign!]!
  campaign(id: ID!): Campaign
  settlement(id: ID!): Settlement
  settlements(campaign: ID!): [Settlement!]!
  structures(campaign: ID!): [Structure!]!
  dueEvents(campaign: ID!, at: String!): [Event!]!
  pendingEffects(campaign: ID!): [Effect!]!
}
type Mutation { completeEvent(id: ID!): Event  resolveEncounter(id: ID!): Event }
""")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Graph:
    """What GraphQL asks for."""

    def __init__(self, state: State) -> None:
        """Of a state."""
        self._state = state

    def campaigns(self, _: object) -> Any:
        """All, with their times."""
        return self._state.campaigns()

    def campaign(self, _: object, id: str) -> Any:  # noqa: A002 - so it is called in the schema
        """One, with its time."""
        return next((each for each in self._state.campaigns() if each["id"] == id), None)

    def settlement(self, _: object, id: str) -> Any:  # noqa: A002 - as above
        """One settlement."""
        return msgspec.to_builtins(self._state.one(Settlement, id))

    def settlements(self, _: object, campaign: str) -> Any:
        """Those of a campaign."""
        return msgspec.to_builtins(self._state.all(Settlement, campaign))

    def structures(self, _: object, campaign: str) -> Any:
        """Those of a campaign."""
        return msgspec.to_builtins(self._state.all(Structure, campaign))

    def dueEvents(self, _: object, campaign: str, at: str) -> Any:
        """Events about which something is to be done at a moment."""
        now = datetime.fromisoformat(at)
        events = self._state.all(Event, campaign)
        return msgspec.to_builtins([each for each in events if verdict(each, now) is not None])

    def pendingEffects(self, _: object, campaign: str) -> Any:
        """Effects that wait for their moment."""
        effects = self._state.all(Effect, campaign)
        return msgspec.to_builtins([each for each in effects if each.executed_at is None])

    def completeEvent(self, _: object, id: str) -> Any:  # noqa: A002 - as above
        """It has taken place."""
        return msgspec.to_builtins(self._state.end(id, Verdict.COMPLETE))

    def resolveEncounter(self, _: object, id: str) -> Any:  # noqa: A002 - as above
        """It was fought."""
        return msgspec.to_builtins(self._state.end(id, Verdict.RESOLVE))


class Server:
    """The routes."""

    def __init__(self, state: State, token: str, redis_url: str | None) -> None:
        """Over a state, for whoever has the token; with a Redis, what happens is published."""
        self._state, self._token, self._graph = state, token, Graph(state)
        self._publish_to = None if redis_url is None else _publisher(redis_url)

    def app(self) -> web.Application:
        """The application."""
        app = web.Application(middlewares=[self._guard])
        app.add_routes([
            web.get("/health", self._health), web.post("/graphql", self._graphql),
            web.post("/campaigns", self._found), web.get("/campaigns/{id}/state", self._world),
            web.post("/campaigns/{id}/advance", self._advance),
            web.get("/effects/{id}", self._effect), web.post("/effects", self._add),
            web.post("/effects/{id}/execute", self._execute), web.get("/executions", self._count),
            web.patch("/events/{id}/expire", self._expire),
            web.patch("/settlements/{id}", self._settlement),
            web.patch("/structures/{id}", self._structure),
        ])  # fmt: skip
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            return web.json_response({"message": "the token is wrong"}, status=401)
        try:
            return await handler(request)
        except Missing as error:
            return web.json_response({"message": f"there is no {error}"}, status=404)
        except Overtaken as error:
            return web.json_response({"message": f"{error} was changed meanwhile"}, status=409)

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "up"})

    async def _graphql(self, request: web.Request) -> web.Response:
        asked = await request.json()
        answer = graphql_sync(
            SCHEMA, asked["query"], self._graph, variable_values=asked.get("variables")
        )
        return web.json_response(answer.formatted)

    async def _found(self, request: web.Request) -> web.Response:
        world = msgspec.json.decode(await request.read(), type=World)
        self._state.found(world)
        await self._publish(world.campaign_id, "opened", worldTime=world.world_time.isoformat())
        return web.json_response({"id": world.campaign_id}, status=201)

    async def _world(self, request: web.Request) -> web.Response:
        return _answer(self._state.world(request.match_info["id"]))

    async def _advance(self, request: web.Request) -> web.Response:
        campaign, asked = request.match_info["id"], await request.json()
        time = self._state.advance(campaign, datetime.fromisoformat(asked["to"])).isoformat()
        await self._publish(campaign, "worldTimeAdvanced", worldTime=time)
        return web.json_response({"worldTime": time})

    async def _effect(self, request: web.Request) -> web.Response:
        return _answer(self._state.one(Effect, request.match_info["id"]))

    async def _add(self, request: web.Request) -> web.Response:
        effect = msgspec.json.decode(await request.read(), type=Effect)
        self._state.add(effect)
        await self._publish(
            effect.campaign_id, "entityModified", entityType="Effect", entityId=effect.id
        )
        return _answer(effect, 201)

    async def _execute(self, request: web.Request) -> web.Response:
        asked_as = request.headers.get("Idempotency-Key", "")
        return _answer(self._state.execute(request.match_info["id"], asked_as))

    async def _count(self, _: web.Request) -> web.Response:
        return web.json_response(self._state.executions())

    async def _expire(self, request: web.Request) -> web.Response:
        return _answer(self._state.end(request.match_info["id"], Verdict.EXPIRE))

    async def _settlement(self, request: web.Request) -> web.Response:
        said = await request.json()
        return _answer(
            self._state.bring(Settlement, request.match_info["id"], said.pop("base"), said)
        )

    async def _structure(self, request: web.Request) -> web.Response:
        said = await request.json()
        return _answer(
            self._state.bring(Structure, request.match_info["id"], said.pop("base"), said)
        )

    async def _publish(self, campaign: str, what: str, **said: str) -> None:
        if self._publish_to is not None:
            await self._publish_to(f"campaign.{campaign}.{what}", json.dumps(said))


def _publisher(url: str) -> Callable[[str, str], Awaitable[None]]:
    from redis.asyncio import Redis  # noqa: PLC0415 - only where there is one
    from redis.exceptions import RedisError  # noqa: PLC0415

    redis = Redis.from_url(url, socket_timeout=2)

    async def publish(channel: str, said: str) -> None:
        try:
            await redis.publish(channel, said)
        except (RedisError, OSError) as error:  # the world goes on without it
            sys.stderr.write(f"not published on {channel}: {error}\n")

    return publish


def _answer(what: object, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(what), status=status, content_type="application/json"
    )


async def serve(path: Path, port: int) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    state = State(path)
    token = os.environ.get("API_SERVICE_ACCOUNT_TOKEN", "a token of the example")
    server = Server(state, token, os.environ.get("REDIS_URL"))
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    await stop.wait()
    await runner.cleanup()
    state.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(os.environ.get("WORLD_PORT", PORT))))

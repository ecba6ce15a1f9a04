"""Sessions judged by an endpoint that answers some messages and not others."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from examples.csv_pipeline.analysis import EndpointAnalyst
from examples.csv_pipeline.batch_server import BatchServer, completion, serving
from examples.csv_pipeline.processing import WithoutVerdict
from examples.csv_pipeline.sessions import MOST_ATTEMPTS
from examples.csv_pipeline.tables import sessions

from onbeat import Onbeat
from tests.csv_pipeline.conftest import Pipeline

ROOT = Path(__file__).parents[2]


class Endpoint:
    """Answers a message as it is told to, and any other with a verdict."""

    def __init__(self, **answers: tuple[int, str]) -> None:
        self.answers = answers
        self.asked: Counter[str] = Counter()

    async def complete(self, request: web.Request) -> web.Response:
        said = await request.json()
        message = said["messages"][-1]["content"]
        self.asked[message] += 1
        otherwise = (200, json.dumps(completion(said)))
        status, text = self.answers.get(message, otherwise)
        return web.Response(status=status, text=text, content_type="application/json")


@asynccontextmanager
async def asking(pipeline: Pipeline, ob: Onbeat, endpoint: Endpoint) -> AsyncIterator[None]:
    """The sessions of acme wait, and are judged by this endpoint."""
    app = web.Application()
    app.add_routes([web.post("/chat/completions", endpoint.complete)])
    async with serving(app) as address:
        pipeline.analyst = EndpointAnalyst(ob.client("ai", url=address), "a-model")
        pipeline.put("acme", "a.csv", "1,2027-03-01,odd,", "2,2027-03-01,Thank you,")
        await pipeline.process("acme")
        yield


UNCLEAR = (200, json.dumps({"choices": [{"message": {"content": "well"}}]}))


@pytest.mark.parametrize(
    "answer", [UNCLEAR, (200, "<html>"), (400, "{}")], ids=["unclear", "no JSON", "refused"]
)
async def test_a_message_without_a_verdict_is_left_as_failed_and_the_others_are_judged_once(
    pipeline: Pipeline, ob: Onbeat, answer: tuple[int, str]
) -> None:
    endpoint = Endpoint(odd=answer)
    async with asking(pipeline, ob, endpoint):
        for _ in range(MOST_ATTEMPTS):
            with pytest.raises(WithoutVerdict, match="1 without a verdict"):
                await pipeline.judge("acme")
        await pipeline.judge("acme")

    assert (await pipeline.of("acme")).sessions == {"analysed": 1, "failed": 1}
    assert endpoint.asked == {"odd": MOST_ATTEMPTS, "Thank you": 1}


async def test_an_endpoint_that_lets_nobody_in_costs_no_session_an_attempt(
    pipeline: Pipeline, ob: Onbeat
) -> None:
    refused = (401, "{}")
    async with asking(pipeline, ob, Endpoint(**{"odd": refused, "Thank you": refused})):
        for _ in range(MOST_ATTEMPTS):
            with pytest.raises(WithoutVerdict, match="401"):
                await pipeline.judge("acme")

    assert {each.attempts for each in await pipeline.rows_of(sessions)} == {0}


async def test_a_token_with_the_prefix_wins(database_url: str) -> None:
    code = (
        "import asyncio\n"
        "from examples.csv_pipeline import app\n"
        "async def main():\n"
        "    async with app.ob:\n"
        "        print(await app.analyst.judge(['Thank you']))\n"
        "asyncio.run(main())"
    )
    async with serving(BatchServer(token="ours").app()) as address:  # noqa: S106 - opens nothing
        told = {"AI_URL": f"{address}/v1", "AI_TOKEN": "another", "ONBEAT_AI_TOKEN": "ours"}
        ran = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
            check=False, timeout=60, env={**os.environ, **told, "ONBEAT_DB": database_url},
        )  # fmt: skip

    assert "sentiment='positive'" in ran.stdout, ran.stderr

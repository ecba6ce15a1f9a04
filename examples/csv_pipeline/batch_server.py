"""A server that speaks OpenAI's Batch API, for demo and tests: files, batches, partial failure.

It keeps everything in memory, works off a batch in `delay` seconds, judges by the words of the
lexicon, and fails each request whose `custom_id` it has been told to, the first time it comes.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from aiohttp import web

from examples.csv_pipeline.classifier import WORDS
from examples.csv_pipeline.lexicon import TOPICS

HOST = "127.0.0.1"
FAILS_EVERY = 7


def every_seventh(custom_id: str) -> bool:
    """Whether a request fails when it first comes."""
    return crc32(custom_id.encode()) % FAILS_EVERY == 0


@dataclass(slots=True)
class BatchServer:
    """What it holds, and what it was asked."""

    delay: float = 0.5
    fails: Callable[[str], bool] = every_seventh
    token: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    """Requests that failed, by custom_id."""
    listed: int = 0
    """Times that it was asked which batches there are."""

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application(client_max_size=256 * 1024 * 1024, middlewares=[self._let_in])
        app.add_routes([
            web.post("/v1/files", self._upload),
            web.get("/v1/files/{id}/content", self._content),
            web.post("/v1/batches", self._create),
            web.get("/v1/batches", self._list),
            web.get("/v1/batches/{id}", self._show),
            web.post("/v1/chat/completions", self._complete),
        ])  # fmt: skip
        return app

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return _refused(401, "a wrong key")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        file = form.get("file")
        if form.get("purpose") != "batch" or not isinstance(file, web.FileField):
            return _refused(400, "give purpose=batch and a file")
        return web.json_response({"id": self._keep(file.file.read()), "object": "file"})

    async def _content(self, request: web.Request) -> web.Response:
        found = self.files.get(request.match_info["id"])
        return _refused(404, "no such file") if found is None else web.Response(body=found)

    async def _create(self, request: web.Request) -> web.Response:
        said = await request.json()
        if said.get("input_file_id") not in self.files:
            return _refused(400, "no such input file")
        made = {
            "id": f"batch_{len(self.batches) + 1}", "object": "batch", "status": "in_progress",
            "created_at": int(time.time()), "ready_at": time.monotonic() + self.delay,
            **{name: said.get(name) for name in ("input_file_id", "endpoint", "metadata")},
        }  # fmt: skip
        self.batches[made["id"]] = made
        return web.json_response(made)

    async def _list(self, request: web.Request) -> web.Response:
        self.listed += 1
        found = list(self.batches.values())[::-1]
        after = request.query.get("after")
        start = next((i + 1 for i, each in enumerate(found) if each["id"] == after), 0)
        end = start + int(request.query.get("limit", "20"))
        return web.json_response({"data": found[start:end], "has_more": end < len(found)})

    async def _show(self, request: web.Request) -> web.Response:
        found = self.batches.get(request.match_info["id"])
        if found is None:
            return _refused(404, "no such batch")
        if found["status"] == "in_progress" and time.monotonic() >= found["ready_at"]:
            self._work_off(found)
        return web.json_response(found)

    async def _complete(self, request: web.Request) -> web.Response:
        return web.json_response(completion(await request.json()))

    def _work_off(self, batch: dict[str, Any]) -> None:
        output: list[str] = []
        errors: list[str] = []
        for line in self.files[batch["input_file_id"]].splitlines():
            asked = json.loads(line)
            name = asked["custom_id"]
            fails = self.fails(name) and name not in self.failed
            if fails:
                self.failed.add(name)
            body = {"error": {"message": "overloaded"}} if fails else completion(asked["body"])
            said = {
                "custom_id": name, "error": None,
                "response": {"status_code": 500 if fails else 200, "body": body},
            }  # fmt: skip
            (errors if fails else output).append(json.dumps(said))
        batch["status"] = "completed"
        batch["request_counts"] = {
            "total": len(output) + len(errors), "completed": len(output), "failed": len(errors)
        }  # fmt: skip
        for field_name, lines in (("output_file_id", output), ("error_file_id", errors)):
            if lines:
                batch[field_name] = self._keep("\n".join(lines).encode())

    def _keep(self, content: bytes) -> str:
        name = f"file_{len(self.files) + 1}"
        self.files[name] = content
        return name


def completion(asked: dict[str, Any]) -> dict[str, Any]:
    """An answer to one question."""
    message = asked["messages"][-1]["content"]
    counts = [len(words.findall(message)) for words in WORDS]
    topics = list(TOPICS)
    category = topics[max(range(len(topics)), key=counts.__getitem__)]
    good, bad = counts[len(topics) : len(topics) + 2]
    sentiment = "neutral" if good == bad else "positive" if good > bad else "negative"
    text = json.dumps({"category": category, "sentiment": sentiment})
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    return {"object": "chat.completion", "model": asked["model"], "choices": [choice]}


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message}}, status=status)


@asynccontextmanager
async def serving(app: web.Application, port: int = 0) -> AsyncIterator[str]:
    """Serve on loopback; gives the address."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port)
    await site.start()
    try:
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    async with serving(BatchServer(delay=5).app(), port) as address:
        print(f"BATCH_API_URL={address}/v1", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(9381))

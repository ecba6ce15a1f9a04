"""A client of OpenAI's Batch API: a file of requests up, a batch of it, its results down."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from examples.csv_pipeline.analysis import AnswerUnclear, question, verdict_of
from examples.csv_pipeline.sessions import Verdict
from onbeat import ApiClient

PATH = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")
PAGE = 100
OK = 200
NEVER_ASKED = ("batch_expired", "batch_cancelled")
"""Codes of requests that were in a batch, and whose turn never came."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """How a batch stands at the API."""

    id: str
    status: str
    output_file: str | None
    error_file: str | None

    @property
    def has_ended(self) -> bool:
        """Whether it changes no more; one that has expired may have results, too."""
        return self.status in ENDED

    @property
    def is_complete(self) -> bool:
        """Whether each request was asked; of another batch those were that have a line."""
        return self.status == "completed"


@dataclass(frozen=True, slots=True)
class Results:
    """What a batch came to."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """By session."""
    failed: set[str] = field(default_factory=set)
    """Sessions that were asked about and have none."""
    problems: list[str] = field(default_factory=list)
    """Why."""


class BatchApi:
    """What is asked of it. Each may raise CallError."""

    def __init__(self, client: ApiClient, model: str) -> None:
        """Asked by this client."""
        self._client, self._model = client, model

    async def submit(self, batch: str, messages: Mapping[str, str]) -> str:
        """Make a batch of these."""
        made = await self._client.post(
            "/batches",
            json={
                "input_file_id": await self._upload(batch, messages),
                "endpoint": PATH,
                "completion_window": "24h",
                "metadata": {"batch": batch},
            },
        )
        return str(made.json()["id"])

    async def look(self, upstream: str) -> Upstream:
        """How it stands."""
        told = (await self._client.get(f"/batches/{upstream}", fresh=True)).json()
        return Upstream(
            told["id"], told["status"], told.get("output_file_id"), told.get("error_file_id")
        )

    async def results(self, upstream: Upstream) -> Results:
        """What it came to."""
        found = Results()
        for file in filter(None, (upstream.output_file, upstream.error_file)):
            answer = await self._client.get(f"/files/{file}/content")
            # Of bytes, for JSON may hold what Python takes for the end of a line of text.
            for line in filter(None, map(bytes.strip, answer.body.split(b"\n"))):
                self._take(line, found)
        return found

    def _take(self, line: bytes, found: Results) -> None:
        try:
            said = json.loads(line)
            name = str(said["custom_id"])
        except (LookupError, TypeError, ValueError):
            found.problems.append(f"no result: {line[:200]!r}")
            return
        try:
            found.verdicts[name] = self._verdict(said)
        except AnswerUnclear as error:
            found.problems.append(f"{name!r}: {error}")
            if _field(said.get("error"), "code") not in NEVER_ASKED:
                found.failed.add(name)

    def _verdict(self, said: dict[str, Any]) -> Verdict:
        """What a line says. Raises AnswerUnclear."""
        response = said.get("response")
        if said.get("error") or _field(response, "status_code") != OK:
            told = said.get("error") or _field(response, "body") or {}
            raise AnswerUnclear(json.dumps(told)[:200])
        return verdict_of(_field(response, "body"), self._model)

    async def find(self, batch: str) -> str | None:
        """The one that was made of it before its maker was killed."""
        after: dict[str, str] = {}
        while True:
            page = (
                await self._client.get("/batches", params={"limit": PAGE, **after}, fresh=True)
            ).json()
            for each in page["data"]:
                if (each.get("metadata") or {}).get("batch") == batch:
                    return str(each["id"])
            if not page.get("has_more") or not page["data"]:
                return None
            after = {"after": page["data"][-1]["id"]}

    async def _upload(self, batch: str, messages: Mapping[str, str]) -> str:
        lines = [
            json.dumps({"custom_id": name, "method": "POST", "url": PATH,
                        "body": question(self._model, message)})
            for name, message in messages.items()
        ]  # fmt: skip
        body, kind = _form(f"{batch}.jsonl", "\n".join(lines).encode())
        made = await self._client.post("/files", body=body, headers={"Content-Type": kind})
        return str(made.json()["id"])


def _field(said: Any, name: str) -> Any:
    return said.get(name) if isinstance(said, dict) else None


def _form(name: str, content: bytes) -> tuple[bytes, str]:
    """What a form with the purpose and a file sends, and its content type."""
    mark = uuid.uuid4().hex
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/jsonl\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
    return body, f"multipart/form-data; boundary={mark}"

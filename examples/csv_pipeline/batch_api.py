"""A client of OpenAI's Batch API: a file of requests up, a batch of it, its results down."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from examples.csv_pipeline.analysis import AnswerUnclear, question, verdict_of
from examples.csv_pipeline.sessions import Verdict
from onbeat import ApiClient

PATH = "/v1/chat/completions"
ENDED = ("completed", "failed", "expired", "cancelled")
PAGE = 100


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


class BatchApi:
    """What is asked of it. Each may raise CallError."""

    def __init__(self, client: ApiClient, model: str) -> None:
        """Asked by this client."""
        self._client, self._model = client, model

    async def submit(self, batch: str, messages: Mapping[str, str]) -> str:
        """Make a batch of these, or find the one that was made before its maker was killed."""
        known = await self._find(batch)
        if known is not None:
            return known
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

    async def verdicts(self, upstream: Upstream) -> tuple[dict[str, Verdict], list[str]]:
        """What it came to by session, and why others have none."""
        verdicts: dict[str, Verdict] = {}
        problems: list[str] = []
        for file in filter(None, (upstream.output_file, upstream.error_file)):
            answer = await self._client.get(f"/files/{file}/content")
            for line in filter(None, answer.text.splitlines()):
                try:
                    name, verdict = self._result(json.loads(line))
                except AnswerUnclear as error:
                    problems.append(str(error))
                else:
                    verdicts[name] = verdict
        return verdicts, problems

    def _result(self, said: dict[str, Any]) -> tuple[str, Verdict]:
        """A line of a result. Raises AnswerUnclear."""
        name, response = said.get("custom_id"), said.get("response") or {}
        if said.get("error") or response.get("status_code") != 200:
            told = said.get("error") or response.get("body") or {}
            raise AnswerUnclear(f"{name}: {json.dumps(told)[:200]}")
        return str(name), verdict_of(response.get("body"), self._model)

    async def _find(self, batch: str) -> str | None:
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

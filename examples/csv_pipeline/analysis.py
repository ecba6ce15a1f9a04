"""Who judges messages: the local classifier, or an OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Protocol

from examples.csv_pipeline.classifier import trained
from examples.csv_pipeline.lexicon import TOPICS
from examples.csv_pipeline.sessions import Verdict
from onbeat import ApiClient

SENTIMENTS = ("positive", "neutral", "negative")
ASKING_AT_ONCE = 10
PROMPT = (
    "You read messages of customers. Answer with JSON alone: "
    f'{{"category": one of {", ".join(TOPICS)}, "sentiment": one of {", ".join(SENTIMENTS)}}}'
)


class Analyst(Protocol):
    """Judges messages."""

    async def judge(self, messages: Sequence[str]) -> list[Verdict]:
        """A verdict for each, in their order."""


class AnswerUnclear(Exception):
    """A model has answered with something else than a verdict."""


class LocalAnalyst:
    """The classifier of this folder, in a thread."""

    async def judge(self, messages: Sequence[str]) -> list[Verdict]:
        """A verdict for each."""
        found = await asyncio.to_thread(lambda: trained().judge(messages))
        return [Verdict(category, sentiment, "local") for category, sentiment in found]


class EndpointAnalyst:
    """`POST /chat/completions`, as OpenAI and those compatible with it have it."""

    def __init__(self, client: ApiClient, model: str) -> None:
        """Asked by this client."""
        self._client, self._model = client, model
        self._turns = asyncio.Semaphore(ASKING_AT_ONCE)

    async def judge(self, messages: Sequence[str]) -> list[Verdict]:
        """A verdict for each. Raises CallError and AnswerUnclear."""
        return list(await asyncio.gather(*map(self._judge, messages)))

    async def _judge(self, message: str) -> Verdict:
        async with self._turns:
            answer = await self._client.post(
                "/chat/completions", json=question(self._model, message)
            )
        return verdict_of(answer.json(), self._model)


def question(model: str, message: str) -> dict[str, Any]:
    """The body of a request, asked alone or in a batch."""
    return {
        "model": model,
        "temperature": 0,
        "messages": [
            {"role": "system", "content": PROMPT},
            {"role": "user", "content": message},
        ],
    }


def verdict_of(completion: Any, model: str) -> Verdict:
    """What a completion says. Raises AnswerUnclear."""
    try:
        text = completion["choices"][0]["message"]["content"]
        said = json.loads(text)
        category, sentiment = said["category"], said["sentiment"]
    except (KeyError, IndexError, TypeError, ValueError):
        raise AnswerUnclear(f"no verdict: {str(completion)[:200]}") from None
    if category not in TOPICS or sentiment not in SENTIMENTS:
        raise AnswerUnclear(f"unknown category or sentiment: {text[:200]}")
    return Verdict(category, sentiment, model)

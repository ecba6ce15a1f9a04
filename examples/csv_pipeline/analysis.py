"""Who judges messages: the local classifier, or an OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Protocol

from examples.csv_pipeline.classifier import trained
from examples.csv_pipeline.lexicon import TOPICS
from examples.csv_pipeline.sessions import Verdict
from onbeat import ApiClient, CallError, CallHeldBack, CallRefused

SENTIMENTS = ("positive", "neutral", "negative")
ASKING_AT_ONCE = 10
OF_A_MESSAGE = (400, 413, 422)
"""What is answered to a question that cannot be answered, rather than to whoever asks."""
PROMPT = (
    "You read messages of customers. Answer with JSON alone: "
    f'{{"category": one of {", ".join(TOPICS)}, "sentiment": one of {", ".join(SENTIMENTS)}}}'
)


class Analyst(Protocol):
    """Judges messages."""

    async def judge(self, messages: Sequence[str]) -> Sequence[Verdict | Exception]:
        """A verdict for each, in their order, or why there is none."""


class AnswerUnclear(Exception):
    """A model has answered with something else than a verdict."""


def is_of_message(error: BaseException) -> bool:
    """Whether it was the message that got no verdict, rather than all that was asked then."""
    if isinstance(error, CallRefused):
        return error.status in OF_A_MESSAGE
    return isinstance(error, AnswerUnclear)


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

    async def judge(self, messages: Sequence[str]) -> list[Verdict | Exception]:
        """A verdict for each, or the error that came instead."""
        return list(await asyncio.gather(*map(self._judge, messages)))

    async def _judge(self, message: str) -> Verdict | Exception:
        """Gives what went wrong back: what was answered to the others has been paid for."""
        try:
            async with self._turns:
                answer = await self._client.post(
                    "/chat/completions", json=question(self._model, message)
                )
            return verdict_of(_json(answer.body), self._model)
        except (CallError, CallHeldBack, AnswerUnclear) as error:
            return error


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise AnswerUnclear(f"no JSON: {body[:200]!r}") from None


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
    if not isinstance(category, str) or category not in TOPICS or sentiment not in SENTIMENTS:
        raise AnswerUnclear(f"unknown category or sentiment: {text[:200]!r}")
    return Verdict(category, sentiment, model)

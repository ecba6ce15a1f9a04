"""Answers that a client keeps: whose they are, and what giving them again says of the API."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest
from aiohttp import web

from onbeat import Breaker, CallFailed, Onbeat, Retry
from onbeat.domain.breakers import BreakerState
from onbeat.domain.client_errors import ApiAnswer
from onbeat.runtime.clients.answers import Answers
from tests.outbound.receivers import always, in_turn, receiving, saying
from tests.waiting import wait_for


async def whose(request: web.Request) -> web.StreamResponse:
    return web.json_response(request.headers["Authorization"])


async def test_an_answer_to_one_token_is_not_given_to_who_asks_with_another(ob: Onbeat) -> None:
    asking = ["ann"]
    async with receiving(whose) as receiver:
        url = receiver.url(path="")
        api = ob.client("game-api", url=url, token=lambda: asking[-1], cache="1h")
        came = []
        for each in ("ann", "ben", "ann"):
            asking.append(each)
            came.append(await api.get("/me"))

        assert [each.json() for each in came] == ["Bearer ann", "Bearer ben", "Bearer ann"]
        assert [each.is_cached for each in came] == [False, False, True]


async def test_a_request_that_may_be_answered_from_what_is_kept_asks_for_its_token_once(
    ob: Onbeat,
) -> None:
    tokens = iter(["first", "second"])
    async with receiving(whose) as receiver:
        url = receiver.url(path="")
        api = ob.client("game-api", url=url, token=lambda: next(tokens), cache="1h")

        assert (await api.get("/me")).json() == "Bearer first"
        assert (await api.get("/me")).json() == "Bearer second"


async def test_a_job_that_is_answered_from_what_is_kept_says_nothing_of_the_api(ob: Onbeat) -> None:
    async with receiving(in_turn(saying(1), always(500))) as receiver:
        breaker = Breaker("game-api", threshold=1, open_for="50ms")
        url = receiver.url(path="")
        api = ob.client("game-api", url=url, cache="1h", retry=Retry(1), breaker=breaker)

        @ob.task(breakers=breaker)
        async def ask() -> bool:
            return (await api.get("/kept")).is_cached

        await api.get("/kept")
        with pytest.raises(CallFailed):
            await api.get("/other")

        async def is_half_open() -> bool:
            return (await ob.breakers.find("game-api")).state is BreakerState.HALF_OPEN

        await wait_for(is_half_open)
        handle = await ask.enqueue()
        async with ob.running(scheduler=False):
            assert await handle.result("10s") is True

        assert (await ob.breakers.find("game-api")).state is BreakerState.HALF_OPEN
        assert len(receiver.came) == 2


@pytest.fixture
def _hasty() -> Iterator[None]:
    """Threads that give way after nearly every step."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_hasty")
def test_threads_may_keep_answers_at_once() -> None:
    answers, wrong = Answers(most=2), []
    answer = ApiAnswer(status=200, request_id="1", seconds=0.0, body=b"x")

    def use(number: int) -> None:
        try:
            for each in range(number, 20_000 + number):
                key = str(each % 3)
                if answers.get(key, 0.0, 1.0, "2") is None or each % 3 == 0:
                    answers.put(key, answer, 0.0)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert wrong == []
    assert answers.bytes == 4

"""GraphQL over HTTP: data is given back, errors are raised, be there data beside them or not."""

from __future__ import annotations

from typing import Any

import pytest

from onbeat import (
    ApiClient,
    CallFailed,
    CallRefused,
    Onbeat,
    Permanent,
    QueryFailed,
    QueryRefused,
    Retry,
)
from tests.outbound.receivers import Receiver, always, in_turn, receiving, saying

QUERY = "query ($id: ID!) { effect(id: $id) { power } }"
MUTATION = "mutation { burn(id: 42) { power } }"
TOKEN = "tok-5f2b8e71c0"  # noqa: S105 - of a test


def client(ob: Onbeat, receiver: Receiver) -> ApiClient:
    url = receiver.url(path="")
    return ob.client("game-api", url=url, token=TOKEN, retry=Retry(3, base="1ms"))


def error(message: str, code: str | None = None) -> dict[str, Any]:
    return {"message": message, **({} if code is None else {"extensions": {"code": code}})}


async def test_the_data_of_a_query_is_what_is_given_back(ob: Onbeat) -> None:
    async with receiving(saying({"data": {"effect": {"power": 9}}})) as receiver:
        found = await client(ob, receiver).graphql(QUERY, {"id": "42"})

        assert found == {"effect": {"power": 9}}
        [came] = receiver.came
        assert came.path == "/graphql"
        assert came.body == f'{{"query":"{QUERY}","variables":{{"id":"42"}}}}'.encode()


async def test_errors_beside_data_are_raised_and_both_are_kept(ob: Onbeat) -> None:
    said = {"data": {"effect": None}, "errors": [error("no such effect")]}
    async with receiving(saying(said)) as receiver:
        with pytest.raises(QueryFailed, match="told of errors: no such effect") as caught:
            await client(ob, receiver).graphql(QUERY)

        assert not isinstance(caught.value, Permanent)
        assert (caught.value.data, caught.value.errors) == (said["data"], said["errors"])


@pytest.mark.parametrize("status", [200, 400])
async def test_a_query_that_is_wrong_is_final(ob: Onbeat, status: int) -> None:
    said = {"errors": [error("no field x", "GRAPHQL_VALIDATION_FAILED")]}
    async with receiving(saying(said, status=status)) as receiver:
        with pytest.raises(QueryRefused, match="no field x") as caught:
            await client(ob, receiver).graphql(QUERY)

        assert isinstance(caught.value, Permanent)


@pytest.mark.parametrize("said", [{}, [], {"errors": []}])
async def test_an_answer_without_data_is_an_error(ob: Onbeat, said: object) -> None:
    async with receiving(saying(said)) as receiver:
        with pytest.raises(QueryFailed, match="without data or errors"):
            await client(ob, receiver).graphql(QUERY)


async def test_a_refusal_that_is_no_graphql_is_told_as_it_is(ob: Onbeat) -> None:
    async with receiving(always(404)) as receiver:
        with pytest.raises(CallRefused, match="404"):
            await client(ob, receiver).graphql(QUERY)


async def test_a_query_is_made_again_and_a_mutation_is_not(ob: Onbeat) -> None:
    well = saying({"data": {}})
    async with receiving(in_turn(always(503), well, always(503), well)) as receiver:
        api = client(ob, receiver)
        assert await api.graphql(QUERY) == {}
        with pytest.raises(CallFailed):
            await api.graphql(MUTATION)

        assert len(receiver.came) == 3


async def test_a_token_that_is_sent_back_is_not_told(ob: Onbeat) -> None:
    async with receiving(saying({"errors": [error(f"unknown token {TOKEN}")]})) as receiver:
        with pytest.raises(QueryFailed) as caught:
            await client(ob, receiver).graphql(QUERY)

        assert str(caught.value).startswith("game-api: POST /graphql told of errors: unknown token")
        assert TOKEN not in f"{caught.value} {caught.value!r}"

"""Laws of the launcher of a Redis."""

from __future__ import annotations

from redis import Redis
from redis.exceptions import RedisError

from tests.servers.redis import answers, launch


def test_a_server_answers_until_it_is_stopped_and_again_when_it_is_started() -> None:
    with launch() as server:
        found = [answers(server.port)]
        server.stop()
        found.append(answers(server.port))
        server.start()
        found.append(answers(server.port))

    assert (found, answers(server.port)) == ([True, False, True], False)


def test_a_hanging_server_answers_nothing_and_then_goes_on() -> None:
    with launch() as server, Redis.from_url(server.url, socket_timeout=0.2, retry=None) as client:
        client.set("key", "value")
        with server.hanging():
            try:
                found = client.get("key")
            except RedisError:
                found = None

        assert (found, client.get("key")) == (None, b"value")

"""Files over HTTP, as a server sends them: one that is cut short is no whole one."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import msgspec
import pytest
from sqlalchemy import text

from onbeat.store.opening import open_store
from tests import factories

COUNT = 20_000
NOTE = "x" * 1_000


@contextmanager
def served(url: str) -> Iterator[tuple[str, str]]:
    """Where the API of a database is, and a token that allows all."""
    env = {**os.environ, "ONBEAT_DB": url}
    told = subprocess.run(
        [sys.executable, "-m", "onbeat", "tokens", "create", "all", "--scopes",
         "jobs:read,jobs:arguments", "--json"], env=env, check=True, capture_output=True,
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "onbeat", "api", "--port", "0", "--json"],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        ready = msgspec.json.decode(process.stdout.readline())["ready"]
        yield ready["api"], msgspec.json.decode(told.stdout)["token"]
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_a_file_that_was_cut_short_is_known_to_be(form: str, database_url: str) -> None:
    store = open_store(database_url)
    await store.open()
    for _ in range(COUNT // 5_000):
        made = [
            factories.job(id=each, args=f'{{"note":"{NOTE}"}}') for each in store.ids.many(5_000)
        ]
        await store.enqueue(made)
    with served(database_url) as (address, token):
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        connection.request(
            "GET",
            f"/api/v1/jobs/export?format={form}",
            headers={"Authorization": f"Bearer {token}"},
        )
        answer = connection.getresponse()
        begun = answer.read(1_000)
        await store.write(
            lambda core, _: core.execute(text("ALTER TABLE onbeat_jobs RENAME TO onbeat_gone"))
        )
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
        connection.close()
    await store.close()

    assert (answer.status, len(begun)) == (200, 1_000)

"""Each probe of the chart, asked of a live process with the command line and variables of its pod.

The one thing that is another is the database: a file of SQLite in the test's folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import asyncpg
import pytest

from onbeat import Onbeat, Settings
from tests.deploy.charts import (
    VALUES,
    Object,
    environment_of,
    main_of,
    of_kind,
    rendered,
    workloads,
)
from tests.deploy.probing import HERE, answer, exit_code, listens, running
from tests.servers.postgres import free_port

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
ASKED = {each.stem: each for each in VALUES if each.stem in {"one", "everything"}}
PARTS = [
    (stem, each["metadata"]["name"])
    for stem, values in ASKED.items()
    for each in workloads(rendered(values))
]


def objects_of(stem: str, *settings: str) -> list[Object]:
    """Rendered with ports that are free here."""
    ports = (f"api.port={free_port()}", f"probes.port={free_port()}")
    return rendered(ASKED[stem], *ports, *settings)


def probes_of(container: Object) -> dict[str, Object]:
    return {name: container[name] for name in PROBES if name in container}


def port_of(container: Object, probe: Object) -> int:
    """The number behind the name."""
    [port] = [p for p in container["ports"] if p["name"] == probe["httpGet"]["port"]]
    number: int = port["containerPort"]
    return number


def migrated(environment: dict[str, str]) -> None:
    assert exit_code(["onbeat", "db", "migrate"], {**environment, **HERE}) == 0


@pytest.mark.parametrize(("stem", "name"), PARTS)
def test_each_probe_of_a_pod_is_answered_by_its_process(stem: str, name: str, place: Path) -> None:
    objects = objects_of(stem)
    [workload] = [x for x in workloads(objects) if x["metadata"]["name"] == name]
    container, environment = main_of(workload), environment_of(objects, workload)
    migrated(environment)

    with running(container["args"], environment):
        probes = probes_of(container)
        assert set(probes) == set(PROBES)
        for probe in probes.values():
            assert listens(port_of(container, probe), probe["httpGet"]["path"])


def test_a_pod_that_cannot_reach_its_tables_does_not_begin(place: Path) -> None:
    objects = objects_of("everything")
    [scheduler] = [x for x in workloads(objects) if x["metadata"]["name"].endswith("-scheduler")]

    url = f"postgresql://shop@127.0.0.1:{free_port()}/shop"
    nowhere = {**environment_of(objects, scheduler), "ONBEAT_DB": url}
    assert exit_code(["onbeat", *main_of(scheduler)["args"]], nowhere) == 5


def test_what_keda_and_prometheus_ask_is_answered(place: Path) -> None:
    objects = objects_of("everything", "keda.by=api", "keda.tokenSecret=keda-token")
    [api] = [x for x in workloads(objects) if x["metadata"]["name"].endswith("-api")]
    environment = environment_of(objects, api)
    migrated(environment)

    with running(main_of(api)["args"], environment) as own:
        port = own["ONBEAT_PORT"]
        assert listens(port, "/readyz")
        token = made_token(own)
        for scaled in of_kind(objects, "ScaledObject"):
            for trigger in scaled["spec"]["triggers"]:
                found = asked(port, trigger["metadata"]["url"], token)
                assert isinstance(found[trigger["metadata"]["valueLocation"]], int)
        for monitor in of_kind(objects, "ServiceMonitor"):
            assert answer(port, monitor["spec"]["endpoints"][0]["path"]) == 200


@pytest.mark.parametrize("environment", ["staging", ""])
async def test_what_keda_reads_in_the_database_is_how_many_slots_a_pool_wants(
    postgres_url: str, environment: str
) -> None:
    ob = Onbeat(postgres_url, environment=environment or None, settings=Settings())
    send = ob.task(queue="mail", name="send")(sent)
    objects = objects_of("everything", f"environment={environment}")
    await ob.migrate()
    async with ob:
        await ob.enqueue_many([send.bind() for _ in range(3)])
    triggers = [
        trigger["metadata"]
        for scaled in of_kind(objects, "ScaledObject")
        for trigger in scaled["spec"]["triggers"]
    ]
    connection = await asyncpg.connect(postgres_url)
    found = [await connection.fetchval(each["query"]) for each in triggers]
    await connection.close()

    assert found == [0.0, 3.0]


async def sent() -> None:
    """A task of the queue of the second pool alone."""


def made_token(environment: dict[str, str]) -> str:
    """A token as the values of the chart tell to make it."""
    made = subprocess.run(
        [sys.executable, "-m", "onbeat", "tokens", "create", "keda", "--scopes", "queues:read",
         "--json"],
        env={**environment, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    token: str = json.loads(made.stdout)["token"]
    return token


def asked(port: str, url: str, token: str) -> Object:
    """The answer to KEDA's request, sent to the process here instead of the Service."""
    whole = urlsplit(url)
    request = Request(
        f"http://127.0.0.1:{port}{whole.path}?{whole.query}",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urlopen(request, timeout=10) as told:  # noqa: S310
        found: Object = json.load(told)
    return found

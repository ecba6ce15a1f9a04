"""A real Prometheus on a free port, which asks one target and holds rules against what it says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.servers.debian import needed
from tests.servers.postgres import die_with_parent, free_port
from tests.waiting import wait_until

CONFIGURATION = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: shop
    static_configs: [{{targets: ["{target}"]}}]
"""


class Prometheus:
    """Its API."""

    def __init__(self, port: int) -> None:
        """It listens on the port."""
        self._address = f"http://127.0.0.1:{port}"

    @property
    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            with urlopen(f"{self._address}/-/ready", timeout=5):  # noqa: S310
                return True
        except URLError:
            return False

    def value(self, query: str) -> float | None:
        """What a query of one series comes to now; None where it has none yet."""
        found = self.answer(query)
        return float(found[0]["value"][1]) if found else None

    def answer(self, query: str) -> list[dict[str, Any]]:
        """The series that a query comes to now. Raises HTTPError for one that it cannot read."""
        found: list[dict[str, Any]] = self._ask("query", query=query)["result"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """The rules it has read, with what came of each."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def _ask(self, what: str, **query: str) -> Any:
        address = f"{self._address}/api/v1/{what}?{urlencode(query)}"
        with urlopen(address, timeout=5) as answer:  # noqa: S310
            return json.load(answer)["data"]


@contextmanager
def watching(target: str, rules: Path, folder: Path) -> Iterator[Prometheus]:
    """Run one that asks `target` (host:port) each second and holds `rules` as often."""
    port = free_port()
    configuration = folder / "prometheus.yml"
    configuration.write_text(CONFIGURATION.format(rules=rules, target=target))
    command: list[str | Path] = [
        needed("prometheus", package="prometheus"),
        f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'figures'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - it takes no lock
        )
    try:
        prometheus = Prometheus(port)
        wait_until(lambda: process.poll() is not None or prometheus.is_ready, 20)
        assert process.poll() is None, (folder / "prometheus.log").read_text()
        yield prometheus
    finally:
        process.terminate()
        process.wait()

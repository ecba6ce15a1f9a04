from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from onbeat.domain.errors import InvalidRecurrence
from onbeat.domain.recurrence import cron, moments

VECTORS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("vectors.json").read_text())
FIRING = [vector for vector in VECTORS if vector["expected"]]
REFUSED = [vector for vector in VECTORS if not vector["expected"]]


def test_all_43_vectors_are_here() -> None:
    assert len({vector["id"] for vector in VECTORS}) == 43
    assert [vector["id"] for vector in REFUSED] == ["M9", "D8", "S3", "S4"]


@pytest.mark.parametrize("vector", FIRING, ids=[vector["id"] for vector in FIRING])
def test_a_disputed_expression_fires_as_measured(vector: dict[str, Any]) -> None:
    begin = datetime.fromisoformat(vector["from"]).replace(
        tzinfo=ZoneInfo(vector["tz"]), fold=vector.get("fold", 0)
    )

    found = moments(cron(vector["expr"], tz=vector["tz"], **vector.get("options", {})), begin, 3)

    assert found == [datetime.fromisoformat(text) for text in vector["expected"]]


@pytest.mark.parametrize("vector", REFUSED, ids=[vector["id"] for vector in REFUSED])
def test_a_disputed_expression_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(InvalidRecurrence) as refused:
        cron(vector["expr"], tz=vector["tz"])

    assert refused.value.field == "cron"

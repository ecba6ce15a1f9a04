"""Where a job goes: to a region that can take it, and else to the queue of last resort."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.errors import InvalidInput
from onbeat.domain.regions import (
    Health,
    Regions,
    Spread,
    read_regions,
    refuge,
    refusal,
    route,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
WELL = Health(workers=1, served_at=NOW)
AWAY = Health(workers=0, served_at=NOW - timedelta(minutes=1))
QUEUES = {"us": "checks-us", "eu": "checks-eu", "ap": "checks-ap"}
REGIONS = Regions(QUEUES, default="checks", fallback={"us": ["eu", "ap"]})

healths = st.builds(
    Health,
    workers=st.integers(0, 2),
    served_at=st.none() | st.integers(0, 120).map(lambda seconds: NOW - timedelta(seconds=seconds)),
    backlog=st.integers(0, 20_000),
    is_paused=st.booleans(),
)


def healthy(*away: str) -> dict[str, Health]:
    return {queue: AWAY if queue in away else WELL for queue in (*QUEUES.values(), "checks")}


@given(
    preferred=st.none() | st.sampled_from(list(QUEUES)),
    fallback=st.dictionaries(st.sampled_from(list(QUEUES)), st.lists(st.sampled_from(["x"]))),
    health=st.fixed_dictionaries(dict.fromkeys(QUEUES.values(), healths)),
    turn=st.integers(0, 1_000),
    spread=st.sampled_from(list(Spread)),
)
def test_a_job_goes_to_a_region_that_can_take_it_or_to_the_default_queue(
    preferred: str | None,
    fallback: dict[str, list[str]],
    health: dict[str, Health],
    turn: int,
    spread: Spread,
) -> None:
    others = {region: [each for each in QUEUES if each != region] for region in fallback}
    regions = Regions(QUEUES, default="checks", fallback=others, spread=spread)
    can_take = {
        region for region, queue in QUEUES.items() if refusal(regions, health[queue], NOW) is None
    }
    if preferred is None:
        allowed = list(can_take)
    else:
        allowed = [each for each in (preferred, *others.get(preferred, ())) if each in can_take]

    found = route(preferred, regions, health, turn, NOW)

    if not allowed:
        assert (found.queue, found.region) == ("checks", None)
    elif preferred is None:
        assert found.region in allowed
    else:
        assert found.region == allowed[0]
    assert found.region is None or found.queue == QUEUES[found.region]
    assert (found.why is None) == (preferred is not None and found.region == preferred)


def test_a_job_that_is_sent_elsewhere_says_why() -> None:
    found = route("us", REGIONS, healthy("checks-us", "checks-eu"), 0, NOW)

    assert (found.region, found.queue) == ("ap", "checks-ap")
    assert found.why == "us: no worker for 30s; eu: no worker for 30s"


def test_jobs_without_a_region_take_turns() -> None:
    sent = [route(None, REGIONS, healthy("checks-eu"), turn, NOW).region for turn in range(4)]
    assert sent == ["us", "ap", "us", "ap"]


def test_a_weighted_spread_gives_each_region_its_share() -> None:
    regions = Regions(QUEUES, spread="weighted", weights={"us": 3, "eu": 2})
    sent = Counter(route(None, regions, healthy(), turn, NOW).region for turn in range(60))
    assert sent == {"us": 30, "eu": 20, "ap": 10}


@pytest.mark.parametrize(
    ("health", "told"),
    [
        (WELL, None),
        (Health(0, NOW - timedelta(seconds=30)), None),
        (Health(0, NOW - timedelta(seconds=31)), "no worker for 30s"),
        (Health(), "no worker has served it"),
        (Health(1, NOW, 10_000), None),
        (Health(1, NOW, 10_001), "more than 10,000 jobs wait in it"),
        (Health(1, NOW, 0, True), "its queue is paused"),
    ],
)
def test_a_region_is_given_no_jobs_without_workers_or_room(
    health: Health, told: str | None
) -> None:
    assert refusal(REGIONS, health, NOW) == told


def test_what_is_stranded_goes_only_where_somebody_works() -> None:
    lately = Health(0, NOW)
    assert refuge("us", REGIONS, {"checks-us": AWAY, "checks-eu": lately}, NOW) is None
    found = refuge("us", REGIONS, {"checks-us": AWAY, "checks-ap": WELL}, NOW)
    assert found is not None
    assert found.region == "ap"
    found = refuge("us", REGIONS, {"checks-us": AWAY, "checks": WELL}, NOW)
    assert found is not None
    assert found.queue == "checks"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"queues": {}}, "queues"),
        ({"queues": {"us": "a", "eu": "a"}}, "queues"),
        ({"queues": {"u s": "a"}}, "region"),
        ({"queues": {"us": "a b"}}, "queue"),
        ({"default": "checks-us"}, "default"),
        ({"fallback": {"xx": ["us"]}}, "fallback"),
        ({"fallback": {"us": ["xx"]}}, "fallback"),
        ({"fallback": {"us": ["us"]}}, "fallback"),
        ({"fallback": {"us": "eu"}}, "fallback"),
        ({"spread": "any"}, "spread"),
        ({"weights": {"us": 2}}, "weights"),
        ({"spread": "weighted", "weights": {"us": 0}}, "weights"),
        ({"spread": "weighted", "weights": {"xx": 1}}, "weights"),
        ({"backlog": 0}, "backlog"),
        ({"backlog": 100_001}, "backlog"),
        ({"unavailable_after": "0s"}, "unavailable_after"),
        ({"move_after": "soon"}, "move_after"),
    ],
)
def test_regions_that_do_not_fit_together_are_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Regions(**{"queues": QUEUES, **fields})
    assert refused.value.field == field


def test_regions_are_read_as_they_are_said() -> None:
    assert read_regions("us=checks-us, eu=checks-eu").queues == {
        "us": "checks-us", "eu": "checks-eu"
    }  # fmt: skip
    said = '{"queues": {"us": "a", "eu": "b"}, "fallback": {"us": ["eu"]}, "move_after": "1m"}'
    read = read_regions(said)
    assert (read.fallback, read.patience) == ({"us": ["eu"]}, timedelta(minutes=1))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("us", "regions"),
        ("us=a,us=b", "regions"),
        ("{", "regions"),
        ('{"default": "a"}', "queues"),
        ('{"queues": {"us": "a"}, "fallbacks": {}}', "fallbacks"),
        ('{"queues": {"us": 1}}', "queues"),
        ('{"queues": {"us": "a"}, "backlog": "many"}', "backlog"),
    ],
)
def test_regions_that_cannot_be_read_are_refused_by_field(text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_regions(text)
    assert refused.value.field == field

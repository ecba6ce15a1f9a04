"""Three hosts with networks of their own, one of them cut off: the record has each job once.

The short form of `python -m tests.hosts`, on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts.drill import BRISK, FAULTS, drill
from tests.hosts.fleet import Ground, ground
from tests.hosts.network import NotPermitted

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def hosts() -> Iterator[Ground]:
    """A network of four, or none where root or the kernel says no."""
    try:
        with ground() as made:
            yield made
    except NotPermitted as error:
        pytest.skip(f"needs root and network namespaces: {error}")


def test_a_region_that_is_cut_off_and_back_keeps_every_promise(
    hosts: Ground, tmp_path: Path
) -> None:
    report = drill(FAULTS[0], hosts, tmp_path, BRISK, print)

    assert report.wrong == []
    assert report.figures.refused > 0, "an attempt that was given up on was offered, and refused"
    assert report.figures.moved > 0, "what waited was moved"

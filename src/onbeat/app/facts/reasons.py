"""Why a job or a schedule does not run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from onbeat.domain.reasons import Reason


def reasons_data(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    """Reasons for programs."""
    return [asdict(each) for each in reasons]

"""What the UI says of the conditions of rules is what they are."""

from __future__ import annotations

import json

from onbeat.domain.default_rules import HAS, LIMITS, SUBJECTS
from tests.ui.building import ROOT


def test_conditions_have_the_kinds_the_limits_and_the_selectors_of_the_domain() -> None:
    told = json.loads((ROOT / "ui" / "src" / "parts" / "conditions.json").read_text())

    assert {name: each["kinds"] for name, each in told["conditions"].items()} == {
        str(condition): [str(kind) for kind in kinds] for condition, kinds in SUBJECTS.items()
    }
    assert {name: each["limits"] for name, each in told["conditions"].items()} == {
        str(condition): list(limits) for condition, limits in LIMITS.items()
    }
    assert told["selectors"] == {str(kind): list(by) for kind, by in HAS.items()}

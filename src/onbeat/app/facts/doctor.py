"""What the doctor found, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onbeat.app.doctor.findings import Finding, Verdict
from onbeat.app.doctor.settings import SettingRow


def examined_data(settings: Sequence[SettingRow], findings: Sequence[Finding]) -> dict[str, Any]:
    """Settings, and what was found; nothing in it is a secret."""
    return {
        "healthy": all(each.verdict is not Verdict.WRONG for each in findings),
        "settings": [_setting_data(each) for each in settings],
        "checks": [_finding_data(each) for each in findings],
    }


def _finding_data(found: Finding) -> dict[str, Any]:
    return {
        "name": found.name,
        "verdict": found.verdict,
        "message": found.message,
        "remedies": list(found.remedies),
        "can_fix": bool(found.repairs),
    }


def _setting_data(row: SettingRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "variable": row.variable,
        "value": row.value,
        "source": row.source,
        "about": row.about,
    }

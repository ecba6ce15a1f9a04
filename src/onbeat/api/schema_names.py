"""What the schemas of the description go by: one plain name each, for those who make clients.

Where two classes share a name, Pydantic puts the module before it, and which classes those are
changes with whatever is added elsewhere.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from onbeat.app import crontab
from onbeat.domain import health, incidents, operations, processes, rules, states

PLAIN: dict[type[StrEnum], str] = {
    states.State: "JobState",
    incidents.State: "IncidentState",
    incidents.Kind: "IncidentKind",
    incidents.Change: "IncidentEvent",
    crontab.Change: "CrontabChange",
    health.Kind: "SubjectKind",
    operations.Action: "OperationAction",
    processes.Action: "ServiceAction",
    processes.Condition: "ServicesCondition",
    rules.Condition: "RuleCondition",
}
"""Words of the domain whose own names say too little where no module stands beside them."""

REFERENCE = "#/components/schemas/"


def name_plainly(described: dict[str, Any]) -> None:
    """Name the schemas of a description anew, and all that refers to them."""
    schemas = described["components"]["schemas"]
    names = {name: _plain(name, schema) for name, schema in schemas.items()}
    described["components"]["schemas"] = {
        names[name]: schema | ({"title": names[name]} if "title" in schema else {})
        for name, schema in sorted(schemas.items(), key=lambda each: names[each[0]])
    }
    _refer(described, {f"{REFERENCE}{old}": f"{REFERENCE}{new}" for old, new in names.items()})


def _plain(name: str, schema: dict[str, Any]) -> str:
    for words, plain in PLAIN.items():
        if schema.get("title") == words.__name__ and schema.get("enum") == list(words):
            return plain
    return re.sub(r"^([A-Z][a-z]+)_(\w+)_$", r"\1\2", name)


def _refer(part: Any, names: dict[str, str]) -> None:
    """Follow the new names in all of it."""
    if isinstance(part, list):
        for each in part:
            _refer(each, names)
    elif isinstance(part, dict):
        for key, value in part.items():
            if isinstance(value, str) and value in names:
                part[key] = names[value]
            else:
                _refer(value, names)

"""Templates of notices: a text with named fields in braces, `{rule} fails: {what}`. Pure.

A field is a name and nothing else: no attribute, index, conversion or format, so that a template
reaches nothing but what it was given. `{{` and `}}` stand for braces.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from string import Formatter

from onbeat.domain.errors import InvalidInput

LONGEST_TEMPLATE = 2_000
"""Characters."""

FIELDS: Mapping[str, str] = {
    "what": "what is wrong, as a sentence",
    "change": "what happened: opened, resolved, …",
    "rule": "the rule that found it",
    "severity": "info, warning, error or critical",
    "kind": "task, schedule, queue, …",
    "name": "whose incident it is",
    "since": "since when",
    "lasted": "how long it has lasted, or had when it was over",
    "count": "how many incidents the notice tells of",
    "left": "how many that were told together are still open",
    "error": "the last error",
    "place": "where in the code it was raised",
    "last_good": "the last good run",
    "try": "commands that may help",
    "by": "who changed it",
    "note": "what they said",
    "environment": "the environment",
    "incident": "the incident's id",
    "link": "where to see more",
}
"""What a template may name."""


def check_template(field: str, text: str | None) -> str | None:
    """The template, where it can be filled. Raises InvalidInput naming `field` and what is wrong
    in it.
    """
    if text is None:
        return None
    if not text.strip() or len(text) > LONGEST_TEMPLATE:
        raise InvalidInput(field, f"give a template of 1 to {LONGEST_TEMPLATE:,} characters")
    if not all(each.isprintable() or each in "\n\t" for each in text):
        raise InvalidInput(field, "there is a control character in it; leave it out")
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise InvalidInput(
            field, f"the template cannot be read: {error}; write {{{{ and }}}} for braces"
        ) from None
    for _, name, form, conversion in parts:
        if name is not None:
            _check_field(field, name, (form or "") + (conversion or ""))
    return text


def _check_field(field: str, name: str, more: str) -> None:
    if name in FIELDS and not more:
        return
    if name in FIELDS:
        raise InvalidInput(field, f"the field {name!r} has a format; write {{{name}}} alone")
    near = get_close_matches(name, FIELDS, n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"the fields are {', '.join(FIELDS)}"
    raise InvalidInput(field, f"the template names {name!r}, which is no field; {meant}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """The template with its fields filled in. Raises InvalidInput where it cannot be."""
    try:
        filled = "".join(
            plain + ("" if name is None else values[name])
            for plain, name, *_ in Formatter().parse(text)
        )
    except (ValueError, KeyError) as error:
        raise InvalidInput("template", f"it cannot be filled: {error}") from None
    if not filled.strip():
        raise InvalidInput("template", "nothing comes of it; name a field that is never empty")
    return filled

"""docs/reference/errors.md, from the classes and from what the API answers for each."""

from __future__ import annotations

from collections.abc import Iterator

import onbeat
from onbeat.api.problems import WORDS, told
from onbeat.cli import errors as of_cli
from onbeat.domain import client_errors
from onbeat.domain import errors as domain_errors
from onbeat.domain.error_classes import Permanent, RateLimited, Transient
from onbeat.domain.errors import OnbeatError
from onbeat.domain.outcomes import Snooze
from tests.docs.reference.rows import about, code, table

MARKS = (Transient, RateLimited, Permanent, Snooze)


def errors() -> Iterator[str]:
    """The page."""
    yield "# Errors"
    yield ""
    yield (
        "All that Onbeat raises for its callers is an `OnbeatError`. A class comes after the one "
        "that it is a kind of. `onbeat` says where `from onbeat import …` has it; the others are "
        "in `onbeat.domain.errors`. What each exit code means: "
        "[Running it](../operations.md#exit-codes). Answers of the API are problem details "
        "(RFC 9457) with `status` and `code`."
    )
    yield ""
    yield from table(
        "error", "in `onbeat`", "exit code", "status", "code", "means",
        rows=(_row(kind, depth) for kind, depth in _tree(OnbeatError, domain_errors.__name__)),
    )  # fmt: skip
    yield "## Of commands alone"
    yield ""
    own = [each for each, _ in _tree(OnbeatError, of_cli.__name__, beneath=False)]
    yield from table(
        "error", "exit code", "means",
        rows=((code(each.__name__), str(each.exit_code), about(each)) for each in own),
    )  # fmt: skip
    yield "## Of clients"
    yield ""
    yield (
        "What asking an API [with a client](../clients.md#what-it-may-come-to) raises, and what "
        "becomes of a job whose task lets it through."
    )
    yield ""
    yield from table("error", "is", "means", rows=_of_clients())
    yield "## Of the API alone"
    yield ""
    yield "Refusals that no error of the product stands behind."
    yield ""
    yield from table(
        "status", "code", "title",
        rows=((str(status), code(word), title) for status, (word, title) in WORDS.items()),
    )  # fmt: skip


def _tree(
    kind: type[OnbeatError], module: str, depth: int = 0, *, beneath: bool = True
) -> Iterator[tuple[type[OnbeatError], int]]:
    """The kinds that a module has, each before those that are kinds of it."""
    if kind.__module__ == module:
        yield kind, depth
    for each in kind.__subclasses__():
        if beneath or each.__module__ == module:
            yield from _tree(each, module, depth + 1, beneath=beneath)


def _row(kind: type[OnbeatError], depth: int) -> tuple[str, ...]:
    status, word, _ = told(kind.__new__(kind))
    return (
        "· " * depth + code(kind.__name__),
        "yes" if kind.__name__ in onbeat.__all__ else "",
        str(kind.exit_code),
        str(status),
        code(word),
        about(kind),
    )


def _of_clients() -> Iterator[tuple[str, str, str]]:
    for name, kind in vars(client_errors).items():
        if isinstance(kind, type) and kind.__module__ == client_errors.__name__:
            marks = [each.__name__ for each in MARKS if issubclass(kind, each)]
            if issubclass(kind, BaseException) or marks:
                yield code(name), ", ".join(code(each) for each in marks), about(kind)

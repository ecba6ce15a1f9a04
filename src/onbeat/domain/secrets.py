"""What must not be shown: fields of a job's arguments, and their values wherever they turn up.

A secret is kept as it is, for the worker needs it, and shown as `***`: by its place where arguments
are shown, and by its value in whatever a run tells. The places go with the job, so that whoever
shows it needs no application. A place is a path of keys; `*` stands for every item or key, `?`
for every key that looks like a secret's, and `#` for the keys themselves.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any, TypeVar

import msgspec

from onbeat.domain.errors import InvalidArguments
from onbeat.domain.shown_values import as_python_shows
from onbeat.domain.spellings import spelled
from onbeat.domain.suspects import looks_secret

T = TypeVar("T")

HIDDEN = "***"
EACH = "*"
SUSPECT = "?"
KEYS = "#"
SHORT = 4
"""Values of fewer characters are hidden only as whole words: else a text would be unreadable."""

Path = tuple[str, ...]

Opened = Callable[[Any], Any]
"""What a value is as JSON has it, one level of it."""


def as_it_is(value: Any) -> Any:
    """The value, which is of JSON already."""
    return value


class SecretMark:
    """What `Secret[…]` puts on a type."""

    def __repr__(self) -> str:
        """Show the public name."""
        return "onbeat.Secret"


class SuspectsMark:
    """Put on a dict of environment variables: those that look like secrets are."""


SECRET = SecretMark()
SUSPECTS = SuspectsMark()

Secret = Annotated[T, SECRET]
"""`token: Secret[str]` is a `str` to the task and to type checkers, and shown as `***`."""


def mask(text: str, paths: Iterable[Path]) -> str:
    """The JSON text with `***` in the places of secrets; wholly so where it cannot be read."""
    listed = list(paths)
    if not listed:
        return text
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return f'"{HIDDEN}"'
    for path in listed:
        value = _masked(value, path)
    return msgspec.json.encode(value).decode()


def _masked(value: Any, path: Path) -> Any:
    if value is None and path:
        return value
    if not path:
        return HIDDEN
    for key, inner in _children(value, path[0]):
        value[key] = _masked(inner, path[1:])
    # A scalar where a container should be: nobody has checked it, and it may be the secret.
    return value if isinstance(value, dict | list) else HIDDEN


def _children(value: Any, key: str) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        if key == EACH:
            return list(value.items())
        if key == KEYS:
            return [(name, name) for name in value]
        if key == SUSPECT:
            return [(name, each) for name, each in value.items() if looks_secret(name, each)]
        return [(key, value[key])] if key in value else []
    if isinstance(value, list):
        return list(enumerate(value))
    return []


def values_at(value: Any, paths: Iterable[Path], opened: Opened = as_it_is) -> Iterator[Any]:
    """The texts and numbers in the places of secrets.

    `opened` makes dicts, lists, texts and numbers of what is none of these.
    """
    for path in paths:
        yield from _below(value, path, opened) if path else _leaves(value, opened)


def _below(value: Any, path: Path, opened: Opened) -> Iterator[Any]:
    value = opened(value)
    children = _children(value, path[0])
    if not children and not isinstance(value, dict | list):
        yield from _leaves(value, opened)
    for _, inner in children:
        yield from values_at(inner, [path[1:]], opened)


def _leaves(value: Any, opened: Opened) -> Iterator[Any]:
    value = opened(value)
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner, opened)
    elif value is not None and not isinstance(value, bool):
        yield value


def refuse_hidden(text: str | bytes, paths: Iterable[Path]) -> None:
    """Raise InvalidInput where arguments have `***` for a secret: it was copied from a list."""
    for path in paths:
        if HIDDEN in values_at(msgspec.json.decode(text), [path]):
            told = f"it is {HIDDEN}, which stands for a secret that is not shown; give the secret"
            raise InvalidArguments(
                ".".join(key for key in path if key not in (SUSPECT, KEYS)), told
            )


def unhidden(given: Any, shown: Any, kept: Any) -> Any:
    """What is `given` with what is `kept`, secrets with it, wherever it is still as it was `shown`.

    A list counts as a whole: of one that was changed nobody knows which of its items is which.
    """
    if isinstance(given, dict) and isinstance(shown, dict) and isinstance(kept, dict):
        return {
            key: unhidden(value, shown[key], kept[key]) if key in shown and key in kept else value
            for key, value in given.items()
        }
    return kept if _text(given) == _text(shown) else given


def _text(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


class Scrub:
    """Replaces the values of secrets in what a run tells, in each form they are likely to have."""

    __slots__ = ("_made", "_values")

    def __init__(self, values: Iterable[Any] = ()) -> None:
        """Hide `values`, texts and numbers."""
        self._values = tuple(values)
        self._made: tuple[tuple[Any, ...], re.Pattern[str] | None] | None = None

    def learn(self, values: Iterable[Any]) -> None:
        """Hide these too, from now on."""
        known = set(self._values)
        self._values += tuple(value for value in values if value not in known)

    @property
    def _pattern(self) -> re.Pattern[str] | None:
        """What finds them; made when something is told, which many jobs never do."""
        values, made = self._values, self._made
        # Any thread may tell something while another learns: what was made of fewer does not count.
        if made is None or made[0] is not values:
            made = self._made = (values, _pattern_of(values))
        return made[1]

    def text(self, text: str) -> str:
        """The text without them."""
        pattern = self._pattern
        hidden = text if pattern is None else pattern.sub(HIDDEN, text)
        # pydantic cuts long values in the middle: neither half would be found.
        return _PYDANTIC_INPUT.sub(rf"\1{HIDDEN}\2", hidden) if "input_value=" in hidden else hidden

    def json(self, text: str) -> str:
        """The JSON text without them."""
        return msgspec.json.encode(self._clean(msgspec.json.decode(text))).decode()

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._clean(each) for each in value]
        if isinstance(value, dict):
            return {self.text(key): self._clean(each) for key, each in value.items()}
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return HIDDEN if is_number and value in self._values else value


_PYDANTIC_INPUT = re.compile(r"(input_value=).*?(, input_type=)", re.DOTALL)


def _pattern_of(values: Sequence[Any]) -> re.Pattern[str] | None:
    forms = {form for value in values for form in _forms(value) if form.strip()}
    if not forms:
        return None
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(map(_as_pattern, longest_first)))


def _as_pattern(form: str) -> str:
    pattern = spelled(form)
    is_found_anywhere = len(form) >= SHORT and not form.isdecimal()
    return pattern if is_found_anywhere else rf"(?<!\w){pattern}(?!\w)"


def _forms(value: Any) -> Iterator[str]:
    """What to look for: a value, each line of a long one, and the other forms it is kept in."""
    text = value if isinstance(value, str) else repr(value)
    yield text
    yield from (line for line in text.splitlines() if len(line) >= SHORT)
    yield from as_python_shows(text)
    if isinstance(value, str) and len(text) >= SHORT:
        yield from _as_base64(text)
        yield from _as_bytes(text)


def _as_base64(text: str) -> Iterator[str]:
    """What JSON keeps of the text as bytes."""
    raw = text.encode(errors="replace")
    yield base64.b64encode(raw).decode().rstrip("=")
    yield base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _as_bytes(text: str) -> Iterator[str]:
    """Bytes are kept as base64: what they look like as bytes, and as text."""
    if len(text) < 2 * SHORT or len(text) % 4:
        return
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return
    yield repr(raw)[2:-1]
    yield raw.decode("utf-8", "replace")

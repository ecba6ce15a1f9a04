"""docs/reference/api.md, from the description that clients are made from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from onbeat import Onbeat, Settings
from onbeat.api.asgi import make_app
from tests.docs.reference.rows import code, table

Schema = Mapping[str, Any]


def rest() -> Iterator[str]:
    """The page."""
    described = make_app(Onbeat(settings=Settings())).openapi()
    yield "# Routes"
    yield ""
    yield (
        "All routes, and the bodies they take. The whole description (OpenAPI 3.1, with each field "
        "of each answer) is at `/api/v1/openapi.json` of a process that serves the API, to be read "
        "and tried at `/api/v1/reference`; `python -m onbeat.api` prints it. What holds for all "
        "of them: [The API](../api.md#rules-that-hold-everywhere). Which command does the same: "
        "[commands and routes](../commands.md)."
    )
    yield ""
    yield from _routes(described["paths"])
    yield from _bodies(described)


def _routes(paths: Mapping[str, Any]) -> Iterator[str]:
    by_tag: dict[str, list[tuple[str, ...]]] = {}
    for path, methods in paths.items():
        for method, operation in methods.items():
            (tag,) = operation["tags"]
            by_tag.setdefault(tag, []).append(_route(path, method, operation))
    for tag, rows in sorted(by_tag.items()):
        yield f"## {tag}"
        yield ""
        yield from table("route", "does", "takes", rows=rows)


def _route(path: str, method: str, operation: Schema) -> tuple[str, ...]:
    asked = [each for each in operation.get("parameters", ()) if each["in"] == "query"]
    takes = [_linked(each) for each in _body_names(operation)]
    takes += [code(each["name"]) for each in asked]
    is_open = "" if operation.get("security") else " Open."
    return (
        code(f"{method.upper()} {path}"),
        f"{operation['description']}{is_open}",
        ", ".join(takes),
    )


def _linked(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _body_names(operation: Schema) -> Iterator[str]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield from _references(content["schema"])


def _references(schema: Any) -> Iterator[str]:
    """The names of the schemas that one refers to."""
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        for each in schema.values():
            yield from _references(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)


def _bodies(described: Schema) -> Iterator[str]:
    """Each body that a route takes, and each that stands in one."""
    schemas = described["components"]["schemas"]
    wanted = {
        name
        for methods in described["paths"].values()
        for operation in methods.values()
        for name in _body_names(operation)
    }
    left = sorted(wanted)
    while left:
        further = {*_references(schemas[left.pop()])} - wanted
        wanted |= further
        left += sorted(further)
    for name in sorted(wanted):
        yield f"## {name}"
        yield ""
        yield from _schema(schemas[name])


def _schema(schema: Schema) -> Iterator[str]:
    said = " ".join(schema.get("description", "").split())
    if said:
        yield said
        yield ""
    if "properties" not in schema:
        yield _kind(schema)
        yield ""
        return
    required = schema.get("required", ())
    yield from table(
        "field", "is", "default", "means",
        rows=(
            (code(name), _kind(of), "needed" if name in required else _default(of),
             of.get("description", ""))
            for name, of in schema["properties"].items()
        ),
    )  # fmt: skip


def _default(schema: Schema) -> str:
    default = schema.get("default")
    return "" if default is None else code(json.dumps(default))


def _kind(schema: Schema) -> str:
    if "$ref" in schema:
        return _linked(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema or "oneOf" in schema:
        kinds = [_kind(each) for each in schema.get("anyOf") or schema["oneOf"]]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return ", ".join(code(str(each)) for each in schema["enum"])
    if "const" in schema:
        return code(str(schema["const"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type", "anything"))

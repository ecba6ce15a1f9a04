"""The description of the API: OpenAPI 3.1, with every error that can be answered."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import Field

from onbeat.api.bodies import Answer
from onbeat.api.examples import exemplify
from onbeat.api.glossary import explain
from onbeat.api.keyed import REPLAYED
from onbeat.api.schema_names import name_plainly
from onbeat.domain.request_keys import HEADER

TEXT = """Everything that Onbeat does, over HTTP. Errors are problem details (RFC 9457); lists are
paged by key: give `page.next` as `after`. Send `Authorization: Bearer TOKEN`."""


HERE = {
    "url": "../..",
    "description": "Where this description is from, under any path and behind any proxy",
}
"""A relative address is one to where the description stands (OpenAPI 3.1.1, §4.5.1)."""


class WrongValue(Answer):
    """A value that is wrong."""

    field: str = Field(description="Which one, with dots between.")
    where: str | None = Field(None, alias="in", description="body, query, path or header.")
    detail: str = Field(description="What is wrong with it, and what would be right.")


class ProblemDetails(Answer):
    """Why something was not done."""

    type: str
    title: str
    status: int
    code: str = Field(description="A word for programs.")
    detail: str = Field(description="What is wrong, and what to do.")
    message: str = Field(description="The same, by the name that older clients know.")
    request_id: str = Field(description="The log has it too.")
    errors: list[WrongValue] | None = None


ERRORS = {
    400: "A value is wrong; `errors` names it.",
    401: "No credentials, or wrong ones.",
    403: "Who asks may not do this.",
    404: "There is none, or none that who asks may see.",
    409: "Not possible as it stands.",
    412: "It has changed since it was read; read it again.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    422: "The key was given with another request.",
    429: "Too many requests; `Retry-After` says when.",
    503: "The database is not reachable now.",
}


RETRY_AFTER = {"description": "After how many seconds.", "schema": {"type": "integer"}}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers of a route besides its success."""
    return {
        status: {
            "description": ERRORS[status],
            **({"headers": {"Retry-After": RETRY_AFTER}} if status == 429 else {}),
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/ProblemDetails"}
                }
            },
        }
        for status in sorted({*statuses})
    }


REPLAYED_HEADER = {
    "description": "`true`: it is what was answered before to the request with this key.",
    "schema": {"type": "string", "const": "true"},
}

IF_MATCH = {
    "name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"},
    "description": "The `ETag` that was read: refused (412) where it was changed since.",
}  # fmt: skip

READS = errors(400, 401, 403, 503)
FINDS = errors(400, 401, 403, 404, 503)
WRITES = errors(400, 401, 403, 404, 409, 413, 415, 503)
EDITS = errors(400, 401, 403, 404, 409, 412, 413, 415, 503)


def describe(app: FastAPI) -> None:
    """Let `app` describe itself; the description is made when it is first asked for."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=app.version, description=TEXT, routes=app.routes,
                openapi_version="3.1.0", servers=[HERE],
            )  # fmt: skip
            made["components"].setdefault("schemas", {}).update(_problem_schemas())
            made["components"]["schemas"].pop("HTTPValidationError", None)
            made["components"]["schemas"].pop("ValidationError", None)
            name_plainly(made)
            made["components"]["securitySchemes"] = {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "__Host-onbeat"},
            }
            for path in made["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
                    operation["summary"] = _first_words(operation["description"])
                    if "412" in operation["responses"]:
                        operation.setdefault("parameters", []).append(dict(IF_MATCH))
            explain(made)
            exemplify(made)
            _describe_keys(made["paths"])
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _first_words(description: str) -> str:
    """What stands before the first stop: the whole is too long for a list of routes."""
    return re.split(r"[.;:,]", description, maxsplit=1)[0].replace("\n", " ")


def _describe_keys(paths: dict[str, Any]) -> None:
    """Say of each route that takes keys what becomes of a request that has one."""
    refused = {str(status): answer for status, answer in errors(409, 422).items()}
    for path in paths.values():
        for operation in path.values():
            if HEADER not in {each["name"] for each in operation.get("parameters", ())}:
                continue
            operation["responses"] |= refused
            for status, answer in operation["responses"].items():
                if status < "3":
                    answer.setdefault("headers", {})[REPLAYED] = REPLAYED_HEADER


def _problem_schemas() -> dict[str, Any]:
    schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), "ProblemDetails": schema}


CLOSED: list[dict[str, list[str]]] = [{"token": []}, {"cookie": []}]
"""What a route asks for that is not open."""

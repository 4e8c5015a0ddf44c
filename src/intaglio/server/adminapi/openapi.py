"""The API's own description, made of the table of acts (OpenAPI 3.1.1, JSON Schema 2020-12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from intaglio import __version__
from intaglio.protocol.administration import API
from intaglio.server.admin.acts import coding
from intaglio.server.admin.acts.act import Act, Nothing
from intaglio.server.adminapi.answers import Problem
from intaglio.server.adminapi.reading import BY_QUERY

_REF = "#/components/schemas/{name}"
_WORDS = {
    304: "It is as it was",
    400: "The request cannot be read",
    401: "There is no good access token",
    403: "The token is not for administration, or its holder's rights do not reach that far",
    404: "That is not there",
    408: "The body did not arrive in time",
    409: "Something else is in the way, or has changed meanwhile",
    412: "Somebody else has changed it",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "A value cannot be used",
    429: "Too many requests",
    503: "A part that is needed does not answer",
}


def document(acts: Sequence[Act], base_url: str) -> dict[str, Any]:
    """Return the description of an API at a base address."""
    kinds: list[Any] = [Problem, *(act.asked for act in acts), *(act.told for act in acts if act.told is not Nothing)]
    unique = list(dict.fromkeys(kinds))
    _, schemas = msgspec.json.schema_components(unique, schema_hook=coding.schema, ref_template=_REF)
    asked = {act.asked.__name__: schemas.pop(act.asked.__name__) for act in acts if act.asked.__name__ in schemas}
    paths: dict[str, dict[str, Any]] = {}
    for act in acts:
        schema = asked[act.asked.__name__]
        paths.setdefault(act.path, {})[act.method.lower()] = _operation(act, schema, schemas)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Intaglio administration",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url + API}],
        "security": [{"administrator": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "administrator": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token of this installation with the scope intaglio.admin.",
                }
            },
        },
    }


def _operation(act: Act, schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = schema.get("properties", {})
    required: list[str] = schema.get("required", [])
    parameters = [
        {"name": word, "in": "path", "required": True, "schema": {**properties[word], "minLength": 1}}
        for word in act.words
    ]
    rest = {name: one for name, one in properties.items() if name not in {*act.words, "etag"}}
    operation: dict[str, Any] = {
        "operationId": act.name,
        "summary": act.summary,
        "description": schema.get("description", ""),
        "tags": [act.name.partition(".")[0]],
        "parameters": parameters,
        "responses": _responses(act, has_body=bool(rest) and act.method not in BY_QUERY),
    }
    if "etag" in properties:
        text = 'A strong entity tag, as ETag told it: `"…"`.'
        schema_of_tag = {"type": "string", "pattern": r'^("[!#-\[\]-~]+"|\*)$'}
        parameters.append({"name": "If-Match", "in": "header", "description": text, "schema": schema_of_tag})
    if act.method in BY_QUERY:
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": one} for name, one in rest.items()
        ]
    elif rest:
        body = {"type": "object", "properties": rest, "additionalProperties": False}
        body |= {"required": needed} if (needed := [name for name in required if name in rest]) else {}
        operation["requestBody"] = {"required": bool(needed), "content": {"application/json": {"schema": body}}}
    return operation


def _responses(act: Act, *, has_body: bool) -> dict[str, Any]:
    good: dict[str, Any] = {"description": act.summary, "headers": {}}
    if act.told is not Nothing:
        good["content"] = {"application/json": {"schema": {"$ref": _REF.format(name=act.told.__name__)}}}
        if act.method == "GET" or "etag" in act.told.__struct_fields__:
            good["headers"]["ETag"] = {"description": "The version.", "schema": {"type": "string"}}
        if "next" in act.told.__struct_fields__:
            good["headers"]["Link"] = {"description": 'The next page, `rel="next"`.', "schema": {"type": "string"}}
        if act.created:
            good["headers"]["Location"] = {"description": "What was made.", "schema": {"type": "string"}}
    found: dict[str, Any] = {str(act.status): good}
    if act.method == "GET":
        found["304"] = {"description": _WORDS[304]}
    for number in _refusals(act, has_body=has_body):
        content = {"application/problem+json": {"schema": {"$ref": _REF.format(name="Problem")}}}
        found[str(number)] = {"description": _WORDS[number], "content": content}
        if number == 401:
            challenge = {"description": "How to prove who asks.", "schema": {"type": "string"}, "required": True}
            found["401"]["headers"] = {"WWW-Authenticate": challenge}
    return found


def _refusals(act: Act, *, has_body: bool) -> list[int]:
    numbers = [400, 401, 403, 422, 429, 503]
    numbers += [404] if act.words else []
    numbers += [409] if act.method != "GET" else []
    numbers += [412] if "etag" in act.asked.__struct_fields__ else []
    numbers += [408, 413, 415] if has_body or act.method not in BY_QUERY else []
    return sorted(numbers)

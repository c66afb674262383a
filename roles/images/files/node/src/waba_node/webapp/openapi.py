"""The OpenAPI document of the API, generated from the call tables and from the types of requests and answers."""

from __future__ import annotations

import inspect
import re
from typing import Any

import msgspec

from .calls.table import ADMIN, CREDENTIALS, KEY, OPEN, USER, Call, CallTable, JsonBody, Query, RawBody
from .schema.common import Refusal

DIALECT = "3.1.0"
REFERENCE = "#/components/schemas/{name}"
SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "The token that POST /v1/users/login returns."},
    "password": {"type": "http", "scheme": "basic", "description": "A user's name and password."},
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Apikey ` and the key in WA_API_KEY.",
    },
}
SECURITY: dict[str, list[dict[str, list[str]]]] = {
    OPEN: [],
    CREDENTIALS: [{"password": []}],
    KEY: [{"key": []}, {"token": []}],
    USER: [{"token": []}],
    ADMIN: [{"token": []}],
}
ADMIN_ONLY = "Needs the token of an administrator."

Schema = dict[str, Any]


def document(calls: CallTable, version: str) -> Schema:
    """Return the OpenAPI document of calls. version: the node's version."""
    types = _json_types(calls)
    schemas, components = msgspec.json.schema_components([kind for _name, kind in types], ref_template=REFERENCE)
    by_name = dict(zip((name for name, _kind in types), schemas, strict=True))
    paths: dict[str, Schema] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, by_name)
    return {
        "openapi": DIALECT,
        "info": {"title": "waba node", "version": version, "license": {"name": "GPL-3.0-or-later"}},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": SECURITY_SCHEMES},
    }


def _json_types(calls: CallTable) -> list[tuple[str, Any]]:
    """Return (repr, type) of every JSON request and answer, each once."""
    requests = [call.body.content for call in calls if isinstance(call.body, JsonBody)]
    answers = [kind for call in calls for body in call.answers.values() for kind in _alternatives(body)]
    kinds = [Refusal, *requests, *(kind for kind in answers if not isinstance(kind, RawBody))]
    return list({repr(kind): kind for kind in kinds}.items())


def _alternatives(body: Any) -> tuple[Any, ...]:
    return () if body is None else body if isinstance(body, tuple) else (body,)


def _operation(call: Call, schemas: dict[str, Schema]) -> Schema:
    summary, description = _summary_and_description(call)
    operation: Schema = {
        "operationId": call.answer.__name__,
        "tags": [call.answer.__module__.rpartition(".")[2]],
        "summary": summary,
        "description": "\n\n".join(filter(None, (description, ADMIN_ONLY if call.access == ADMIN else ""))),
        "security": SECURITY[call.access],
        "parameters": [*_path_parameters(call.path), *map(_query_parameter, call.query)],
        "responses": {
            **{str(status): _response(body, schemas) for status, body in call.answers.items()},
            "default": _response(Refusal, schemas, "The call was refused"),
        },
    }
    if call.body is not None:
        required = not (isinstance(call.body, JsonBody) and call.body.optional)
        kind = call.body.content if isinstance(call.body, JsonBody) else call.body
        operation["requestBody"] = {"required": required, "content": _content((kind,), schemas)}
    return operation


def _summary_and_description(call: Call) -> tuple[str, str]:
    """Return the first line of a call's docstring without method and path, and the rest of the docstring."""
    first, _separator, rest = (inspect.getdoc(call.answer) or "").partition("\n\n")
    summary = re.sub(rf"^{call.method} \S+: ", "", first).replace("\n", " ")
    return summary[:1].upper() + summary[1:], rest


def _response(body: Any, schemas: dict[str, Schema], text: str = "The call succeeded") -> Schema:
    kinds = _alternatives(body)
    return {"description": text, **({"content": _content(kinds, schemas)} if kinds else {})}


def _content(kinds: tuple[Any, ...], schemas: dict[str, Schema]) -> dict[str, Schema]:
    content: dict[str, Schema] = {}
    for kind in kinds:
        if isinstance(kind, RawBody):
            content |= {media_type: {"schema": {}} for media_type in kind.media_types}
        else:
            content["application/json"] = {"schema": schemas[repr(kind)]}
    return content


def _path_parameters(path: str) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)", path)
    ]


def _query_parameter(query: Query) -> Schema:
    return {
        "name": query.name,
        "in": "query",
        "description": query.text,
        "schema": {"type": "string", "enum": list(query.values)},
    }

"""The OpenAPI document of the API, made from the tables of calls and the types of what is sent and answered: never kept by hand."""

from __future__ import annotations

import inspect
import re
from typing import Any

import msgspec

from .answers import Refusal
from .calls.table import ADMIN, CREDENTIALS, KEY, OPEN, USER, Call, CallTable, JsonBody, Query, RawBody

DIALECT = "3.1.0"
REFERENCE = "#/components/schemas/{name}"
SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "What POST /v1/users/login answers."},
    "password": {"type": "http", "scheme": "basic", "description": "A user's name and password."},
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Apikey ` and the key in WA_API_KEY.",
    },
}
SECURITY = {
    OPEN: [],
    CREDENTIALS: [{"password": []}],
    KEY: [{"key": []}, {"token": []}],
    USER: [{"token": []}],
    ADMIN: [{"token": []}],
}
ADMIN_ALONE = "Needs the token of an admin."


def document(calls: CallTable, version: str) -> dict:
    """Return the OpenAPI document of calls. version: of the node."""
    types = _types(calls)
    schemas, components = msgspec.json.schema_components([kind for _name, kind in types], ref_template=REFERENCE)
    by_name = dict(zip((name for name, _kind in types), schemas, strict=True))
    paths: dict[str, dict] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, by_name)
    return {
        "openapi": DIALECT,
        "info": {"title": "waba node", "version": version, "license": {"name": "GPL-3.0-or-later"}},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": SECURITY_SCHEMES},
    }


def _types(calls: CallTable) -> list[tuple[str, Any]]:
    """Return (repr, type) of everything that calls take and answer in JSON, each once."""
    taken = [call.body.content for call in calls if isinstance(call.body, JsonBody)]
    answered = [kind for call in calls for body in call.answers.values() for kind in _alternatives(body)]
    wanted = [Refusal, *taken, *(kind for kind in answered if not isinstance(kind, RawBody))]
    return list({repr(kind): kind for kind in wanted}.items())


def _alternatives(body: Any) -> tuple:
    return () if body is None else body if isinstance(body, tuple) else (body,)


def _operation(call: Call, schemas: dict[str, dict]) -> dict:
    summary, description = _told(call)
    operation: dict[str, Any] = {
        "operationId": call.answer.__name__,
        "tags": [call.answer.__module__.rpartition(".")[2]],
        "summary": summary,
        "description": "\n\n".join(filter(None, (description, ADMIN_ALONE if call.who == ADMIN else ""))),
        "security": SECURITY[call.who],
        "parameters": [*_path_parameters(call.path), *map(_query_parameter, call.query)],
        "responses": {
            **{str(status): _response(body, schemas) for status, body in call.answers.items()},
            "default": _response(Refusal, schemas, "Refused, in the envelope"),
        },
    }
    if call.body is not None:
        required = not (isinstance(call.body, JsonBody) and call.body.optional)
        operation["requestBody"] = {"required": required, "content": _content((_sent(call.body),), schemas)}
    return operation


def _told(call: Call) -> tuple[str, str]:
    """Return the first line, without the call's own name, and the rest of what the call's docstring says."""
    first, _separator, rest = inspect.getdoc(call.answer).partition("\n\n")
    told = re.sub(rf"^{call.method} \S+: ", "", first).replace("\n", " ")
    return told[:1].upper() + told[1:], rest


def _sent(body: JsonBody | RawBody) -> Any:
    return body.content if isinstance(body, JsonBody) else body


def _response(body: Any, schemas: dict[str, dict], text: str = "Done") -> dict:
    kinds = _alternatives(body)
    return {"description": text, **({"content": _content(kinds, schemas)} if kinds else {})}


def _content(kinds: tuple, schemas: dict[str, dict]) -> dict:
    content: dict[str, dict] = {}
    for kind in kinds:
        if isinstance(kind, RawBody):
            content |= {media_type: {"schema": {}} for media_type in kind.media_types}
        else:
            content["application/json"] = {"schema": schemas[repr(kind)]}
    return content


def _path_parameters(path: str) -> list[dict]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)", path)
    ]


def _query_parameter(query: Query) -> dict:
    return {
        "name": query.name,
        "in": "query",
        "description": query.text,
        "schema": {"type": "string", "enum": list(query.values)},
    }

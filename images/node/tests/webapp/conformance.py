"""Whether an answer is one that the OpenAPI document promises."""

from __future__ import annotations

import re

import requests
from jsonschema import Draft202012Validator
from waba_node.config import VERSION
from waba_node.webapp.calls import CALLS
from waba_node.webapp.calls.table import Call
from waba_node.webapp.openapi import document

DOCUMENT = document(CALLS, VERSION)
UNROUTED = {"responses": {"default": DOCUMENT["paths"]["/v1/health"]["get"]["responses"]["default"]}}


def call_at(method: str, path: str) -> Call | None:
    """Return the call that answers a method at a path, without its query; one with fewer parameters comes first, as in the router."""
    fitting = [
        call
        for call in CALLS
        if call.method == method and re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(call.path)), path)
    ]
    return min(fitting, key=lambda call: call.path.count("{"), default=None)


def assert_conforms(method: str, path: str, response: requests.Response) -> None:
    """Raise AssertionError unless a response is one that the document has for this call."""
    call = call_at(method, path.partition("?")[0])
    operation = DOCUMENT["paths"][call.path][method.lower()] if call else UNROUTED
    responses = operation["responses"]
    promised = responses.get(str(response.status_code), responses["default"])
    assert response.ok == (str(response.status_code) in responses), f"{method} {path} answers {response.status_code}"
    if "content" not in promised:
        assert response.content == b""
        return
    media_type = response.headers["Content-Type"].partition(";")[0]
    schema = promised["content"].get(media_type, promised["content"].get("*/*"))
    assert schema is not None, f"{method} {path} answers {media_type}, which is none of {list(promised['content'])}"
    if media_type == "application/json" and method != "HEAD":
        Draft202012Validator({**schema["schema"], "components": DOCUMENT["components"]}).validate(response.json())

"""Checks that an answer conforms to the OpenAPI document."""

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
    """Return the call for a method and a path without query. As in the router, the call with fewer parameters wins."""
    matching = [
        call
        for call in CALLS
        if call.method == method and re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(call.path)), path)
    ]
    return min(matching, key=lambda call: call.path.count("{"), default=None)


def assert_conforms(method: str, path: str, response: requests.Response) -> None:
    """Raise AssertionError unless the document describes the response."""
    call = call_at(method, path.partition("?")[0].rstrip("/") or "/")
    operation = DOCUMENT["paths"][call.path][method.lower()] if call else UNROUTED
    responses = operation["responses"]
    described = responses.get(str(response.status_code), responses["default"])
    assert response.ok == (str(response.status_code) in responses), f"{method} {path} answers {response.status_code}"
    if "content" not in described:
        assert response.content == b""
        return
    media_type = response.headers["Content-Type"].partition(";")[0]
    schema = described["content"].get(media_type, described["content"].get("*/*"))
    assert schema is not None, f"{method} {path} answers {media_type}, not one of {list(described['content'])}"
    if media_type == "application/json" and method != "HEAD":
        Draft202012Validator({**schema["schema"], "components": DOCUMENT["components"]}).validate(response.json())

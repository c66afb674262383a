"""The OpenAPI document is complete and valid. conformance.py compares the answers of every test with it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from api_support import Client
from conformance import DOCUMENT, assert_conforms
from openapi_spec_validator import OpenAPIV31SpecValidator
from waba_node.webapp.calls import CALLS


def test_served_document_contains_every_call(anonymous: Client) -> None:
    served = anonymous.call("GET", "/v1/openapi.json").json()
    assert served == DOCUMENT
    described = {(method.upper(), path) for path, operations in served["paths"].items() for method in operations}
    assert described == {(call.method, call.path) for call in CALLS}


def test_document_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_every_call_has_a_summary(call: Any) -> None:
    operation = DOCUMENT["paths"][call.path][call.method.lower()]
    assert re.fullmatch(r"[A-Z0-9].{15,160}\.", operation["summary"])
    assert not operation["summary"].startswith(call.method)


def test_operation_ids_are_unique() -> None:
    names = [operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()]
    assert len(set(names)) == len(CALLS)


def test_conformance_check_detects_an_undescribed_answer(monitor: Client) -> None:
    answer = monitor.call("GET", "/v1/stats/app")
    answer._content = answer.content.replace(b'"gauge"', b'"gouge"')
    with pytest.raises(Exception, match="gouge"):
        assert_conforms("GET", "/v1/stats/app", answer)

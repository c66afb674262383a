"""The OpenAPI document: whole, valid, and true of the running webapps (see conformance.py, which every test's answers go through)."""

from __future__ import annotations

import re

import pytest
from api_support import Client
from conformance import DOCUMENT, assert_conforms
from openapi_spec_validator import OpenAPIV31SpecValidator
from waba_node.webapp.calls import CALLS


def test_every_call_is_in_the_served_document(anonymous: Client) -> None:
    served = anonymous.call("GET", "/v1/openapi.json").json()
    assert served == DOCUMENT
    described = {(method.upper(), path) for path, operations in served["paths"].items() for method in operations}
    assert described == {(call.method, call.path) for call in CALLS}


def test_the_document_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_every_call_says_in_a_sentence_what_it_does(call) -> None:
    operation = DOCUMENT["paths"][call.path][call.method.lower()]
    assert re.fullmatch(r"[A-Z0-9].{15,160}\.", operation["summary"])
    assert not operation["summary"].startswith(call.method)


def test_no_two_calls_have_one_name() -> None:
    names = [operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()]
    assert len(set(names)) == len(CALLS)


def test_an_answer_that_is_not_as_described_is_noticed(monitor: Client) -> None:
    answer = monitor.call("GET", "/v1/stats/app")
    answer._content = answer.content.replace(b'"gauge"', b'"gouge"')
    with pytest.raises(Exception, match="gouge"):
        assert_conforms("GET", "/v1/stats/app", answer)

"""The errors of the Cloud API, row by row. The expected values are written by hand."""

from __future__ import annotations

import pytest
from waba_node.upstream.cloud.translation import errors
from waba_node.upstream.cloud.translation.errors import Untranslatable, Verdict, onprem_error, verdict
from waba_node.upstream.cloud.translation.sources import SOURCES

ROWS = """
0        UNUSABLE             1005  401
1        UNCERTAIN            1000  400
2        UNCERTAIN            1016  503
3        FINAL                1005  500
4        NUMBER_THROTTLED     1015  400
10       UNUSABLE             1005  403
33       UNUSABLE             1005  400
100      FINAL                1009  400
104      UNUSABLE             1005  401
190      UNUSABLE             1005  401
200      UNUSABLE             1005  403
299      UNUSABLE             1005  403
368      UNUSABLE             1031  403
803      FINAL                1006  404
80007    NUMBER_THROTTLED     1015  400
130403   FINAL                1013  400
130429   NUMBER_THROTTLED     429   400
130472   FINAL                472   400
130497   FINAL                1031  403
131000   UNCERTAIN            1000  500
131005   UNUSABLE             1005  403
131008   FINAL                1008  400
131009   FINAL                1009  400
131014   FINAL                400   400
131016   UNCERTAIN            1016  500
131021   FINAL                1021  400
131026   FINAL                1026  400
131030   FINAL                1013  400
131031   UNUSABLE             1031  403
131037   FINAL                1005  400
131042   FINAL                402   400
131044   FINAL                402   400
131045   UNUSABLE             430   500
131047   FINAL                470   400
131048   FINAL                471   400
131049   FINAL                1026  400
131050   FINAL                1013  400
131051   FINAL                501   400
131052   FINAL                400   400
131053   FINAL                400   400
131055   FINAL                1009  400
131056   RECIPIENT_THROTTLED  429   400
131057   NUMBER_THROTTLED     1011  500
131060   FINAL                501   400
131062   FINAL                1009  400
131063   FINAL                1005  400
131064   FINAL                471   400
132000   FINAL                2000  400
132001   FINAL                2001  404
132005   FINAL                2005  400
132007   FINAL                2007  400
132008   FINAL                2008  400
132012   FINAL                2012  400
132015   FINAL                2061  400
132016   FINAL                2062  400
132018   FINAL                2012  400
132068   FINAL                2068  400
132069   LATER                2069  400
133000   LATER                1000  500
133004   LATER                1011  503
133005   FINAL                1005  400
133006   UNUSABLE             1005  400
133008   LATER                1015  400
133009   LATER                1015  400
133010   UNUSABLE             1005  400
133015   LATER                1011  400
133016   FINAL                1015  400
134011   FINAL                1005  400
134100   FINAL                1009  400
134101   FINAL                1009  400
134102   FINAL                1009  500
135000   FINAL                1000  400
137000   FINAL                480   400
"""
EXPECTED = [line.split() for line in ROWS.split("\n") if line]


@pytest.mark.parametrize(("code", "name", "onprem", "http_status"), EXPECTED)
def test_code(code: str, name: str, onprem: str, http_status: str) -> None:
    error = {"code": int(code), "message": "text"}
    assert verdict(int(http_status), error).name == name
    assert onprem_error(error)["code"] == int(onprem)


def test_every_code_has_an_expected_row() -> None:
    permissions = set(range(201, 299))
    assert errors.BY_CODE.keys() - permissions == {int(code) for code, *_rest in EXPECTED}
    assert len(errors.BY_CODE) == sum(len(rule.codes) for rule in errors.RULES)


def test_every_rule_names_known_sources_and_titles() -> None:
    assert {rule.source for rule in (*errors.RULES, *errors.STATUS_RULES)} <= SOURCES.keys()
    assert {rule.onprem_code for rule in errors.RULES} <= errors.TITLES.keys()


@pytest.mark.parametrize(
    ("http_status", "error", "expected"),
    [
        (200, None, Verdict.UNCERTAIN),
        (302, None, Verdict.LATER),
        (400, None, Verdict.LATER),
        (403, None, Verdict.LATER),
        (407, None, Verdict.LATER),
        (408, None, Verdict.UNCERTAIN),
        (413, None, Verdict.FINAL),
        (429, None, Verdict.NUMBER_THROTTLED),
        (500, None, Verdict.UNCERTAIN),
        (502, None, Verdict.UNCERTAIN),
        (504, None, Verdict.UNCERTAIN),
        (0, None, Verdict.UNCERTAIN),
        (400, {"code": 999999, "message": "new"}, Verdict.FINAL),
        (400, {"code": 999999, "is_transient": True}, Verdict.LATER),
        (429, {"code": 999999}, Verdict.NUMBER_THROTTLED),
        (503, {"code": 999999}, Verdict.UNCERTAIN),
        (200, {"code": 999999}, Verdict.UNCERTAIN),
        (200, {"code": 131026, "title": "Message undeliverable"}, Verdict.FINAL),
        (400, {"code": "131056"}, Verdict.RECIPIENT_THROTTLED),
        (400, {"code": 100, "error_subcode": 33}, Verdict.UNUSABLE),
        (400, {"code": 100, "error_subcode": 2494010}, Verdict.FINAL),
        (400, {"code": None}, Verdict.FINAL),
        (400, {"code": True}, Verdict.FINAL),
    ],
)
def test_answer_without_a_known_code(http_status: int, error: dict | None, expected: Verdict) -> None:
    assert verdict(http_status, error) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            {
                "message": "(#131056) (Business Account, Consumer Account) pair rate limit hit",
                "type": "OAuthException",
                "code": 131056,
                "error_data": {"messaging_product": "whatsapp", "details": "Too many messages to this number"},
                "fbtrace_id": "Axx1",
            },
            {
                "code": 429,
                "title": "Rate limit hit",
                "details": "Too many messages to this number (Cloud API error 131056)",
            },
        ),
        (
            {"message": "Invalid OAuth access token", "type": "OAuthException", "code": 190, "fbtrace_id": "Axx2"},
            {"code": 1005, "title": "Access denied", "details": "Invalid OAuth access token (Cloud API error 190)"},
        ),
        (
            {
                "code": 131026,
                "title": "Message undeliverable",
                "message": "Message undeliverable",
                "error_data": {"details": "Unable to deliver"},
                "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
            },
            {
                "code": 1026,
                "title": "Receiver incapable",
                "details": "Unable to deliver (Cloud API error 131026)",
                "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
            },
        ),
        (
            {"code": 131047, "title": "Re-engagement message", "details": "More than 24 hours have passed"},
            {
                "code": 470,
                "title": "Re-engagement message",
                "details": "More than 24 hours have passed (Cloud API error 131047)",
            },
        ),
        ({"code": 131006}, {"code": 1006, "title": "Resource not found", "details": "Cloud API error 131006"}),
        (
            {"code": 999999, "title": "New"},
            {"code": 500, "title": "Generic error", "details": "New (Cloud API error 999999)"},
        ),
        ({}, {"code": 500, "title": "Generic error"}),
        ({"code": [], "title": 5, "href": 7, "error_data": "x"}, {"code": 500, "title": "Generic error"}),
        ({"code": 1, "href": "/relative"}, {"code": 1000, "title": "Generic error", "details": "Cloud API error 1"}),
    ],
)
def test_onprem_error(error: dict, expected: dict) -> None:
    assert onprem_error(error) == expected


def test_untranslatable_carries_an_onprem_error() -> None:
    assert Untranslatable(1009, "no counterpart").errors == [
        {"code": 1009, "title": "Parameter value is not valid", "details": "no counterpart"}
    ]

"""The errors of the Cloud API: how to go on after one, and the on-premises error that reports it (docs/reference/cloud-api.md#errors).

Meta publishes no mapping of the codes. Many codes are the on-premises code plus 130000 with the same meaning (429, 1005, 1008, 1009, 2000 and others
have the same titles); the rows that follow another rule are a decision of this project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

OFFSET = 130000  # a Cloud code minus this is the on-premises code of the same meaning, where there is one
GENERIC = 500
UNKNOWN_TYPE = 501


class Verdict(Enum):
    """How to go on after an answer of the Cloud API to a message."""

    FINAL = "the message fails"
    LATER = "nothing was sent; try this message again later"
    NUMBER_THROTTLED = "nothing was sent; slow the whole number, then try again"
    RECIPIENT_THROTTLED = "nothing was sent; delay the messages of this recipient"
    UNCERTAIN = "perhaps sent; only a status can decide"
    UNUSABLE = "nothing was sent; the number or the token is unusable"


@dataclass(frozen=True)
class ErrorRule:
    """One row: codes of the Cloud API, their verdict, and the on-premises code that reports them."""

    codes: tuple[int, ...]
    verdict: Verdict
    onprem_code: int
    title: str  # of the Cloud error
    source: str = "error-codes"


@dataclass(frozen=True)
class StatusRule:
    """One row for an answer without a known code. statuses: inclusive bounds of the HTTP status."""

    statuses: tuple[int, int]
    verdict: Verdict
    reason: str
    source: str = "decision"


TITLES: dict[int, str] = {  # on-premises code -> title: https://developers.facebook.com/docs/whatsapp/api/errors
    400: "Media download error",
    402: "Business eligibility - Payment issue",
    429: "Rate limit hit",
    430: "Unsigned certificate",
    470: "Re-engagement message",
    471: "Spam rate limit hit",
    472: "User's number is part of an experiment",
    480: "User potentially changed",
    500: "Generic error",
    501: "Unknown message type",
    1000: "Generic error",
    1001: "Parameter value is too long",
    1002: "Invalid recipient type",
    1005: "Access denied",
    1006: "Resource not found",
    1008: "Required parameter is missing",
    1009: "Parameter value is not valid",
    1010: "Parameter is not required",
    1011: "Service not ready",
    1013: "User is not valid",
    1014: "Internal error",
    1015: "Too many requests",
    1016: "System overloaded",
    1021: "Bad user",
    1026: "Receiver incapable",
    1028: "Identity not acknowledged",
    1031: "Sender account locked",
    2000: "Template parameter count mismatch",
    2001: "Template missing",
    2005: "Template text too long",
    2007: "Template format character policy violated",
    2008: "Template parameter value not valid",
    2012: "Template parameter format mismatch",
    2061: "Template paused",
    2062: "Template disabled",
    2068: "Flow blocked",
    2069: "Flow throttled",
}

_V = Verdict
RULES: tuple[ErrorRule, ...] = (
    ErrorRule((0, 104, 190), _V.UNUSABLE, 1005, "The token is missing, invalid or expired"),
    ErrorRule((1,), _V.UNCERTAIN, 1000, "Unknown error"),
    ErrorRule((2,), _V.UNCERTAIN, 1016, "Service down or overloaded"),
    ErrorRule((3,), _V.FINAL, 1005, "Capability or permission missing"),
    ErrorRule((4,), _V.NUMBER_THROTTLED, 1015, "Application call limit reached"),
    ErrorRule((10, *range(200, 300)), _V.UNUSABLE, 1005, "Permission not granted or removed"),
    ErrorRule((33,), _V.UNUSABLE, 1005, "The phone number was deleted or is not accessible"),
    ErrorRule((100,), _V.FINAL, 1009, "Invalid parameter"),
    ErrorRule((368,), _V.UNUSABLE, 1031, "Temporarily blocked for policy violations"),
    ErrorRule((803,), _V.FINAL, 1006, "The object does not exist", "openapi"),
    ErrorRule((80007,), _V.NUMBER_THROTTLED, 1015, "Rate limit of the WhatsApp Business Account reached"),
    ErrorRule((130403,), _V.FINAL, 1013, "The business blocked this user"),
    ErrorRule((130429,), _V.NUMBER_THROTTLED, 429, "Throughput limit of the number reached"),
    ErrorRule((130472,), _V.FINAL, 472, "The user is part of an experiment"),
    ErrorRule((130497,), _V.FINAL, 1031, "The business may not message users in this country"),
    ErrorRule((131000,), _V.UNCERTAIN, 1000, "Something went wrong"),
    ErrorRule((131005,), _V.UNUSABLE, 1005, "Access denied"),
    ErrorRule((131008,), _V.FINAL, 1008, "Required parameter is missing"),
    ErrorRule((131009,), _V.FINAL, 1009, "Parameter value is not valid"),
    ErrorRule((131014,), _V.FINAL, 400, "The link could not be fetched", "courier"),
    ErrorRule((131016,), _V.UNCERTAIN, 1016, "Service unavailable"),
    ErrorRule((131021,), _V.FINAL, 1021, "The recipient is the sender"),
    ErrorRule((131026,), _V.FINAL, 1026, "Message undeliverable"),
    ErrorRule((131030,), _V.FINAL, 1013, "The recipient is not on the list of the test number", "pywa"),
    ErrorRule((131031,), _V.UNUSABLE, 1031, "The account is locked"),
    ErrorRule((131037,), _V.FINAL, 1005, "The display name of the number is not approved"),
    ErrorRule((131042, 131044), _V.FINAL, 402, "Payment issue"),
    ErrorRule((131045,), _V.UNUSABLE, 430, "The number is not registered correctly"),
    ErrorRule((131047,), _V.FINAL, 470, "More than 24 hours since the user's last message"),
    ErrorRule((131048,), _V.FINAL, 471, "Spam rate limit hit"),
    ErrorRule((131049,), _V.FINAL, 1026, "Marketing limit of the user reached", "marketing-limits"),
    ErrorRule((131050,), _V.FINAL, 1013, "The user stopped marketing messages"),
    ErrorRule((131051,), _V.FINAL, UNKNOWN_TYPE, "Unsupported message type"),
    ErrorRule((131052,), _V.FINAL, 400, "A received file cannot be downloaded"),
    ErrorRule((131053,), _V.FINAL, 400, "A sent file was refused or could not be fetched"),
    ErrorRule((131055,), _V.FINAL, 1009, "Only allowed by the marketing API"),
    ErrorRule((131056,), _V.RECIPIENT_THROTTLED, 429, "Rate limit of this recipient reached"),
    ErrorRule((131057,), _V.NUMBER_THROTTLED, 1011, "The number is in maintenance, such as a throughput upgrade"),
    ErrorRule((131060,), _V.FINAL, UNKNOWN_TYPE, "A received message is unavailable at the moment"),
    ErrorRule((131062,), _V.FINAL, 1009, "Business-scoped user IDs are not allowed for this message", "bsuid"),
    ErrorRule((131063,), _V.FINAL, 1005, "Marketing templates are disabled for the Cloud API"),
    ErrorRule((131064,), _V.FINAL, 471, "Limit after violations of the template classification"),
    ErrorRule((132000,), _V.FINAL, 2000, "Number of template parameters does not match"),
    ErrorRule((132001,), _V.FINAL, 2001, "The template does not exist in this language or is not approved"),
    ErrorRule((132005,), _V.FINAL, 2005, "The template's text with its parameters is too long"),
    ErrorRule((132007,), _V.FINAL, 2007, "Template character policy violated"),
    ErrorRule((132008,), _V.FINAL, 2008, "Template parameter value is not valid", "pywa"),
    ErrorRule((132012,), _V.FINAL, 2012, "Template parameter format does not match"),
    ErrorRule((132015,), _V.FINAL, 2061, "The template is paused"),
    ErrorRule((132016,), _V.FINAL, 2062, "The template is disabled"),
    ErrorRule((132018,), _V.FINAL, 2012, "Template parameters are not valid"),
    ErrorRule((132068,), _V.FINAL, 2068, "The flow is blocked"),
    ErrorRule((132069,), _V.LATER, 2069, "The flow is throttled"),
    ErrorRule((133000,), _V.LATER, 1000, "A deregistration is incomplete"),
    ErrorRule((133004,), _V.LATER, 1011, "The server is temporarily unavailable"),
    ErrorRule((133005,), _V.FINAL, 1005, "The two-step verification PIN is wrong"),
    ErrorRule((133006,), _V.UNUSABLE, 1005, "The number must be verified first"),
    ErrorRule((133008, 133009), _V.LATER, 1015, "Too many attempts with the two-step verification PIN"),
    ErrorRule((133010,), _V.UNUSABLE, 1005, "The number is not registered"),
    ErrorRule((133015,), _V.LATER, 1011, "The number was deleted a moment ago"),
    ErrorRule((133016,), _V.FINAL, 1015, "Registration limit of the number reached"),
    ErrorRule((134011,), _V.FINAL, 1005, "The terms of payments are not accepted"),
    ErrorRule((134100, 134101, 134102), _V.FINAL, 1009, "Refused by the marketing API"),
    ErrorRule((135000,), _V.FINAL, 1000, "Generic user error"),
    ErrorRule((137000,), _V.FINAL, 480, "The user's identity has changed", "phone-numbers"),
)
BY_CODE = {code: rule for rule in RULES for code in rule.codes}

STATUS_RULES: tuple[StatusRule, ...] = (
    StatusRule(
        (100, 299), Verdict.UNCERTAIN, "a success without the id of a message does not prove that one was accepted"
    ),
    StatusRule((300, 399), Verdict.LATER, "a redirect is not followed, so the request reached no messaging service"),
    StatusRule((408, 408), Verdict.UNCERTAIN, "the server or a proxy may have passed the request on"),
    StatusRule((429, 429), Verdict.NUMBER_THROTTLED, "Graph limits the rate with codes that are not listed", "courier"),
    StatusRule((413, 414), Verdict.FINAL, "the request is too large; a repetition is, too"),
    StatusRule((400, 499), Verdict.LATER, "not an answer of Meta: a proxy refused the request"),
    StatusRule((500, 999), Verdict.UNCERTAIN, "the request may have been processed"),
)


class Untranslatable(Exception):
    """A message that the Cloud API has no counterpart for. errors: on-premises errors."""

    def __init__(self, code: int, details: str) -> None:
        self.errors = [{"code": code, "title": TITLES[code], "details": details}]
        super().__init__(details)


def code_of(error: Mapping[str, Any] | None) -> int | None:
    """Return the code of an error of the Cloud API, None without a usable one."""
    code = error.get("code") if isinstance(error, Mapping) else None
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) < 10:
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def verdict(http_status: int, error: Mapping[str, Any] | None) -> Verdict:
    """Return how to go on after an answer to a message. error: Meta's error object, None if the body had none."""
    code = code_of(error)
    if code == 100 and error and error.get("error_subcode") == 33:
        return Verdict.UNUSABLE  # the object of the request, the phone number, is not accessible with this token
    if code in BY_CODE:
        return BY_CODE[code].verdict
    if error is not None and 400 <= http_status < 500 and http_status != 429:
        return Verdict.LATER if error.get("is_transient") is True else Verdict.FINAL
    return next(
        (rule.verdict for rule in STATUS_RULES if rule.statuses[0] <= http_status <= rule.statuses[1]), _V.UNCERTAIN
    )


def onprem_error(error: Mapping[str, Any]) -> dict[str, Any]:
    """Return the on-premises error for an error of an answer or of a webhook. Its details name the code of the Cloud API. Never raises."""
    code = code_of(error)
    onprem = onprem_code(code)
    details = _details(error)
    suffix = "" if code is None else f"Cloud API error {code}"
    text = f"{details} ({suffix})" if details and suffix else details or suffix
    href = error.get("href") if isinstance(error, Mapping) else None
    return {
        "code": onprem,
        "title": TITLES[onprem],
        **({"details": text} if text else {}),
        **({"href": href} if isinstance(href, str) and href.startswith("https://") else {}),
    }


def onprem_code(code: int | None) -> int:
    """Return the on-premises code for a code of the Cloud API."""
    if code in BY_CODE:
        return BY_CODE[code].onprem_code
    return code - OFFSET if code is not None and code - OFFSET in TITLES else GENERIC


def _details(error: Mapping[str, Any]) -> str:
    """Return the most specific text of an error."""
    if not isinstance(error, Mapping):
        return ""
    data = error.get("error_data")
    candidates = (
        data.get("details") if isinstance(data, Mapping) else None,
        error.get("details"),
        error.get("error_user_msg"),
        error.get("message"),
        error.get("title"),
    )
    return next((text for text in candidates if isinstance(text, str) and text), "")

"""The errors that the stand-in answers or reports: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes."""

from __future__ import annotations

import secrets
from typing import Any

KNOWN = {  # code -> (HTTP status, title)
    0: (401, "AuthException"),
    1: (400, "API Unknown"),
    2: (503, "API Service"),
    3: (500, "API Method"),
    4: (400, "API Too Many Calls"),
    10: (403, "Permission Denied"),
    33: (400, "Parameter value is not valid"),
    100: (400, "Invalid parameter"),
    104: (401, "An access token is required to request this resource."),
    190: (401, "Invalid OAuth access token"),
    200: (403, "You do not have the necessary permissions required to send messages on behalf of this business"),
    368: (403, "Temporarily blocked for policies violations"),
    803: (404, "Some of the aliases you requested do not exist"),
    2200: (400, "Callback verification failed"),
    80007: (400, "Rate limit issues"),
    130403: (403, "User is blocked by the business"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Account has been locked"),
    131037: (400, "Display name approval is needed"),
    131042: (400, "Business eligibility payment issue"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "Meta chose not to deliver"),
    131050: (400, "User has stopped marketing messages"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Account is in maintenance mode"),
    131060: (400, "Message unavailable"),
    131062: (400, "Business-scoped user id is not supported for this message"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Translated text too long"),
    132007: (400, "Template format character policy violated"),
    132008: (400, "Template parameter format is not valid"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132018: (400, "Template parameters are not valid"),
    133000: (500, "Incomplete deregistration"),
    133004: (503, "Server temporarily unavailable"),
    133005: (400, "Two-step verification PIN mismatch"),
    133006: (400, "Phone number re-verification needed"),
    133008: (400, "Too many two-step verification PIN guesses"),
    133009: (400, "Two-step verification PIN guessed too fast"),
    133010: (400, "Phone number not registered"),
    133015: (400, "Wait a few minutes before attempting to register this phone number"),
    133016: (400, "Account register deregister rate limit exceeded"),
    135000: (400, "Generic user error"),
    137000: (400, "Identity key hash does not match"),
}


class GraphError(Exception):
    """An error of the API. http_status: 0 for that of the code."""

    def __init__(self, code: int, details: str = "", http_status: int = 0, subcode: int = 0) -> None:
        known = KNOWN.get(code, (400, "Unknown error"))
        super().__init__(f"({code}) {details or known[1]}")
        self.code, self.details, self.subcode = code, details, subcode
        self.http_status, self.title = http_status or known[0], known[1]

    def answer(self) -> dict[str, Any]:
        """Return the body of the answer."""
        message = self.title if self.code in (104, 190) else f"(#{self.code}) {self.title}"
        error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": self.code}
        if self.subcode:
            error["error_subcode"] = self.subcode
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        return {"error": {**error, "fbtrace_id": "A" + secrets.token_urlsafe(16)}}

    def webhook(self) -> dict[str, Any]:
        """Return the error in a webhook."""
        return {
            "code": self.code,
            "title": self.title,
            "message": self.title,
            "error_data": {"details": self.details or self.title},
            "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
        }

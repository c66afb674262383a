# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One request for the phone number, by a host that has no image of the node yet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

TIMEOUT = 15  # seconds
LARGEST_ANSWER = 1 << 20  # bytes


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        """Never send the token to another address."""


def ask(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a request for the phone number, as `account.probe_problems` takes it. environment: the variables of the Cloud API."""
    base, number = environment["WABA_CLOUD_BASE_URL"].rstrip("/"), environment["WABA_CLOUD_PHONE_NUMBER_ID"]
    known = {"url": base, "id": number}
    request = Request(  # noqa: S310 - the settings allow http and https only
        f"{base}/{environment['WABA_CLOUD_VERSION']}/{number}?fields=id",
        headers={"Authorization": f"Bearer {environment['WABA_CLOUD_TOKEN']}", "Accept": "application/json"},
    )
    proxy = environment.get("WABA_CLOUD_PROXY", "")
    opener = build_opener(_NoRedirect, ProxyHandler({"http": proxy, "https": proxy} if proxy else {}))
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            return {**known, "status": response.status, "code": None, "message": ""}
    except HTTPError as error:
        return {**known, "status": error.code, **_error(error)}
    except (OSError, ValueError) as error:
        return {**known, "error": str(getattr(error, "reason", None) or error)}


def _error(answer: HTTPError) -> dict[str, Any]:
    try:
        error = json.loads(answer.read(LARGEST_ANSWER))["error"]
        return {"code": error.get("code"), "message": str(error.get("message", ""))}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {"code": None, "message": f"HTTP {answer.code}"}

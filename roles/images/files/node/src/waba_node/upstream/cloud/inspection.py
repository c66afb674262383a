"""Inspects token, number and webhook of the Cloud API, read-only: for preflight and for the set-up.

Whether a number is registered is inferred from `platform_type` and `status`; Meta documents no list of their values.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ...config import CloudConfig
from .graph import CloudError, GraphClient, NoAnswer, NotWritten
from .translation.number import rate_of

SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")
NUMBER_FIELDS = (
    "id,display_phone_number,verified_name,status,platform_type,name_status,code_verification_status,quality_rating,"
    "throughput,health_status,webhook_configuration"
)
NOT_REGISTERED = ("PENDING", "DISCONNECTED", "DELETED", "MIGRATED", "UNVERIFIED")  # statuses of a number
RESTRICTED = ("BANNED", "RESTRICTED", "FLAGGED", "RATE_LIMITED")
TOKEN_CODES = (0, 104, 190)  # codes of a token that is not valid at all
LARGEST_CLOCK_OFFSET = 120.0  # seconds; a larger one makes certificates and tokens fail in confusing ways
SOON = 14 * 24 * 3600.0  # seconds before the end of a token that a warning names it
MOST_PAGES = 20  # of the account's numbers
LONGEST_URL = 200  # characters of an override, as Meta documents it

TOKEN, NUMBER, ACCOUNT = "WABA_CLOUD_TOKEN", "WABA_CLOUD_PHONE_NUMBER_ID", "WABA_CLOUD_WABA_ID"
BASE_URL, PIN, RATE = "WABA_CLOUD_BASE_URL", "WABA_CLOUD_PIN", "WABA_CLOUD_RATE"
WEBHOOK = "WABA_CLOUD_WEBHOOK_URL"  # no variable of the node: the commands have an option for it


@dataclass(frozen=True)
class Problem:
    """A problem of one variable. value: None for a secret."""

    variable: str
    value: str | None
    problem: str
    fix: str


@dataclass
class Token:
    """The access token. scopes, expires_at (seconds since 1970, 0: never), app_id: None where Meta does not report them."""

    valid: bool | None = None
    source: str = "probe"
    scopes: list[str] | None = None
    missing_scopes: list[str] = field(default_factory=list)
    expires_at: int | None = None
    app_id: str | None = None


@dataclass
class Number:
    """The phone number, as Meta describes it. in_waba, registered: None where that is not known."""

    id: str
    display_phone_number: str | None = None
    verified_name: str | None = None
    status: str | None = None
    platform_type: str | None = None
    name_status: str | None = None
    code_verification_status: str | None = None
    quality_rating: str | None = None
    throughput: str | None = None
    can_send_message: str | None = None
    in_waba: bool | None = None
    registered: bool | None = None


@dataclass
class Webhook:
    """The URLs that Meta calls: the number's override wins over the account's, and this one over the application's."""

    phone_number: str | None = None
    waba: str | None = None
    application: str | None = None
    wanted: str | None = None
    subscribed: bool | None = None
    subscribed_apps: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Report:
    """The result of an inspection."""

    token: Token
    number: Number
    webhook: Webhook
    reachable: bool = True
    clock_offset: float | None = None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON content."""
        return {"ok": not self.problems, **asdict(self)}


async def inspect(client: GraphClient, config: CloudConfig, webhook_url: str | None = None) -> Report:
    """Inspect everything that a cluster needs at Meta. webhook_url: the URL that Meta shall call, where it is known."""
    report = Report(Token(), Number(config.phone_number_id), Webhook(wanted=webhook_url))
    inspection = _Inspection(client, config, report)
    try:
        await inspection.inspect_token()
        if report.token.valid:
            await inspection.inspect_number()
            await inspection.inspect_account()
            await inspection.inspect_subscription()
    except (NotWritten, NoAnswer) as error:
        report.reachable = False
        fix = "allow HTTPS from this machine to it, directly or by the proxy, and compare the base URL"
        report.problems.append(Problem(BASE_URL, config.base_url, f"the Graph API does not answer: {error}", fix))
    report.clock_offset = client.clock_offset
    inspection.judge_clock()
    inspection.judge_webhook_url()
    return report


class _Inspection:
    """One inspection, which fills its report."""

    def __init__(self, client: GraphClient, config: CloudConfig, report: Report) -> None:
        self.client, self.config, self.report = client, config, report

    def problem(self, variable: str, value: str | None, problem: str, fix: str) -> None:
        self.report.problems.append(Problem(variable, value, problem, fix))

    def warning(self, variable: str, value: str | None, problem: str, fix: str) -> None:
        self.report.warnings.append(Problem(variable, value, problem, fix))

    async def inspect_token(self) -> None:
        """Ask Meta about the token. Where it refuses the question, the first call for the number decides."""
        token = self.report.token
        try:
            data = await self.client.debug_token()
        except CloudError as error:
            token.valid = not _is_token_error(error)
            if not token.valid:
                self._token_invalid(str(error))
            return
        token.source, token.app_id = "debug_token", _text(data.get("app_id"))
        token.valid = data.get("is_valid") is True
        expires_at = data.get("expires_at")
        token.expires_at = expires_at if isinstance(expires_at, int) else None
        scopes = data.get("scopes")
        if isinstance(scopes, list):
            token.scopes = sorted(map(str, scopes))
            token.missing_scopes = [scope for scope in SCOPES if scope not in token.scopes]
        if not token.valid:
            self._token_invalid(str(_mapping(data.get("error")).get("message", "")))
            return
        if token.missing_scopes:
            missing = " and ".join(token.missing_scopes)
            self.problem(
                TOKEN, None, f"the token lacks {missing}", "create a token of the system user with both scopes"
            )
        if token.expires_at and token.expires_at - time.time() < SOON:
            days = max(0, int((token.expires_at - time.time()) / 86400))
            self.warning(TOKEN, None, f"the token ends in {days} days", "create a new token and exchange it")

    def _token_invalid(self, reason: str) -> None:
        text = f"Meta does not accept the token{': ' if reason else ''}{reason}"
        self.problem(TOKEN, None, text, "create a new token of the system user in the Business Manager")

    async def inspect_number(self) -> None:
        """Read the phone number."""
        number = self.report.number
        try:
            info = await self.client.number_info(NUMBER_FIELDS)
        except CloudError as error:
            if _is_token_error(error):
                self.report.token.valid = False
                self._token_invalid(str(error))
                return
            fix = "compare the id (not the number itself) with WhatsApp Manager, and give the system user access to it"
            self.problem(NUMBER, number.id, f"the phone number cannot be read: {error}", fix)
            return
        for name in (
            "display_phone_number",
            "verified_name",
            "status",
            "platform_type",
            "name_status",
            "code_verification_status",
            "quality_rating",
        ):
            setattr(number, name, _text(info.get(name)))
        number.throughput = _text(_mapping(info.get("throughput")).get("level"))
        number.can_send_message = _text(_mapping(info.get("health_status")).get("can_send_message"))
        number.registered = is_registered(number)
        urls, webhook = _mapping(info.get("webhook_configuration")), self.report.webhook
        webhook.phone_number = _text(urls.get("phone_number"))
        webhook.waba = _text(urls.get("whatsapp_business_account"))
        webhook.application = _text(urls.get("application"))
        self._judge_number(number)

    def _judge_number(self, number: Number) -> None:
        if number.status in RESTRICTED:
            self.warning(
                NUMBER, number.id, f"the number is {number.status}", "see the account's quality in WhatsApp Manager"
            )
        if number.can_send_message == "BLOCKED":
            self.warning(NUMBER, number.id, "Meta blocks messages of this number", "see its health in WhatsApp Manager")
        if number.throughput is not None and self.config.rate > rate_of(number.throughput):
            problem = (
                f"the number has the throughput level {number.throughput}, which allows {rate_of(number.throughput)}"
            )
            fix = "set 0, which follows the level, or a lower rate"
            self.warning(RATE, str(self.config.rate), f"{problem} messages per second", fix)
        if number.registered is not False:
            return
        if number.code_verification_status not in (None, "VERIFIED"):
            fix = "verify it in WhatsApp Manager, or by POST /v1/account and POST /v1/account/verify"
            self.problem(NUMBER, number.id, "the number is not verified", fix)
        elif not self.config.pin:
            fix = "set the six digits of the number's two-step PIN; a number without a PIN gets this one"
            self.problem(PIN, None, "the number is not registered, and its registration needs a PIN", fix)
        else:
            self.warning(NUMBER, number.id, "the number is not registered", "cloud-setup registers it")

    async def inspect_account(self) -> None:
        """Find the number among those of the WhatsApp Business Account."""
        number, params = self.report.number, {"fields": "id", "limit": "100"}
        try:
            for _page in range(MOST_PAGES):
                answer = await self.client.get(f"{self.config.waba_id}/phone_numbers", params)
                if any(entry.get("id") == number.id for entry in _mappings(answer.get("data"))):
                    number.in_waba = True
                    return
                after = _text(_mapping(_mapping(answer.get("paging")).get("cursors")).get("after"))
                if after is None or "next" not in _mapping(answer.get("paging")):
                    break
                params["after"] = after
        except CloudError as error:
            fix = "compare the id with WhatsApp Manager, and give the system user access to the account"
            self.problem(ACCOUNT, self.config.waba_id, f"the account's numbers cannot be read: {error}", fix)
            return
        number.in_waba = False
        fix = "use the ids of an account and of one of its numbers, as WhatsApp Manager shows them"
        self.problem(ACCOUNT, self.config.waba_id, f"the account has no number with the id {number.id}", fix)

    async def inspect_subscription(self) -> None:
        """Read which applications receive the account's webhooks."""
        webhook = self.report.webhook
        try:
            answer = await self.client.get(f"{self.config.waba_id}/subscribed_apps")
        except CloudError as error:
            fix = "give the system user access to the account with whatsapp_business_management"
            self.problem(ACCOUNT, self.config.waba_id, f"the account's subscriptions cannot be read: {error}", fix)
            return
        found = [_mapping(entry.get("whatsapp_business_api_data")) for entry in _mappings(answer.get("data"))]
        webhook.subscribed_apps = [{"id": str(app.get("id", "")), "name": str(app.get("name", ""))} for app in found]
        ids = {app["id"] for app in webhook.subscribed_apps}
        app_id = self.report.token.app_id
        if app_id:
            webhook.subscribed = app_id in ids
        elif len(ids) < 2:  # with several, which one is the token's is not known
            webhook.subscribed = bool(ids)

    def judge_clock(self) -> None:
        """Warn of a clock that differs much from Meta's."""
        offset = self.report.clock_offset
        if offset is not None and abs(offset) > LARGEST_CLOCK_OFFSET:
            text = f"the clock of this machine is {abs(offset):.0f} s {'behind' if offset > 0 else 'ahead of'} Meta's"
            self.warning("clock", f"{offset:.0f} s", text, "synchronize it by NTP")

    def judge_webhook_url(self) -> None:
        """Report a URL that Meta would refuse, and one that it does not call yet."""
        url = self.report.webhook.wanted
        if url is None:
            return
        if not url.startswith("https://") and self.config.base_url.startswith("https://"):
            self.problem(WEBHOOK, url, "Meta calls HTTPS only", "use an https:// URL with a public certificate")
        if len(url) > LONGEST_URL:
            self.problem(WEBHOOK, url, f"the URL is longer than {LONGEST_URL} characters", "use a shorter one")


def is_registered(number: Number) -> bool | None:
    """Return whether a number is registered at the Cloud API, None if its fields do not say so."""
    if number.platform_type is None and number.status is None:
        return None
    return number.platform_type in (None, "CLOUD_API") and number.status not in NOT_REGISTERED


def _is_token_error(error: CloudError) -> bool:
    code = error.error.get("code") if error.error else None
    return code in TOKEN_CODES or (error.http_status == 401 and error.error is not None)


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, (str, int)) and value != "" else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []

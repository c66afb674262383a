"""Brings number and webhook at Meta into the state that a cluster needs. A second run changes nothing.

The override of the number's webhook is used, so that other numbers of the same application are not affected
(https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from ...config import CloudConfig
from .graph import CloudError, GraphClient, NoAnswer, NotWritten
from .inspection import ACCOUNT, BASE_URL, NUMBER, PIN, WEBHOOK, Problem, Report, inspect

REGISTER, SET_WEBHOOK, SUBSCRIBE = "register", "set_webhook", "subscribe_app"
WRONG_PIN = 133005


@dataclass
class Action:
    """A change. before, after: the state, for a diff. done: whether it was made."""

    action: str
    before: str | None
    after: str
    done: bool = False


@dataclass
class Outcome:
    """The changes that were made, or with `check` would be."""

    check: bool
    actions: list[Action] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON content."""
        changed = any(action.done or self.check for action in self.actions)
        return {"changed": changed, **asdict(self)}


async def set_up_account(
    client: GraphClient, config: CloudConfig, webhook_url: str, check: bool, webhook: bool = True
) -> Outcome:
    """Register the number, set its webhook and subscribe the application, each where that is needed. check: change nothing.

    webhook: False leaves it out, for a run before the webapps serve.

    The webhook is set after the number is registered, and only if nothing is wrong: Meta calls the URL at once, and refuses one that does
    not answer.
    """
    report = await inspect(client, config, webhook_url)
    planned = [action for action in _plan(report, webhook_url) if webhook or action.action != SET_WEBHOOK]
    outcome = Outcome(check, planned, report.problems, report.warnings)
    if check or report.problems:
        return outcome
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        REGISTER: lambda: client.post(
            f"{config.phone_number_id}/register", {"messaging_product": "whatsapp", "pin": config.pin}
        ),
        SUBSCRIBE: lambda: client.post(f"{config.waba_id}/subscribed_apps"),
        SET_WEBHOOK: lambda: client.post(
            config.phone_number_id,
            {"webhook_configuration": {"override_callback_uri": webhook_url, "verify_token": config.verify_token}},
        ),
    }
    for action in outcome.actions:
        try:
            await calls[action.action]()
        except (CloudError, NotWritten, NoAnswer) as error:
            outcome.problems.append(_failure(action, error, config, webhook_url))
            break
        action.done = True
    return outcome


def _plan(report: Report, webhook_url: str) -> list[Action]:
    """Return the changes that are needed, in their order."""
    actions = []
    if report.number.registered is False:
        actions.append(Action(REGISTER, report.number.status, "CONNECTED"))
    if report.webhook.subscribed is not True:
        names = ", ".join(app["name"] or app["id"] for app in report.webhook.subscribed_apps)
        actions.append(Action(SUBSCRIBE, names or None, report.token.app_id or "the token's application"))
    if report.webhook.phone_number != webhook_url:
        actions.append(Action(SET_WEBHOOK, report.webhook.phone_number, webhook_url))
    return actions


def _failure(action: Action, error: Exception, config: CloudConfig, webhook_url: str) -> Problem:
    """Return the problem of an action that failed."""
    if not isinstance(error, CloudError):
        fix = "run it again: what was done already is recognized"
        return Problem(BASE_URL, config.base_url, f"the Graph API does not answer: {error}", fix)
    if action.action == SET_WEBHOOK:
        fix = "make the URL reachable from the internet with a public certificate, and lead it to the webhook port of the webapps"
        return Problem(WEBHOOK, webhook_url, f"Meta refuses the webhook: {error}", fix)
    if action.action == SUBSCRIBE:
        fix = "give the system user access to the account with whatsapp_business_management"
        return Problem(ACCOUNT, config.waba_id, f"the application cannot be subscribed: {error}", fix)
    if error.error and error.error.get("code") == WRONG_PIN:
        return Problem(
            PIN,
            None,
            f"the number has another PIN: {error}",
            "set the number's own PIN, or reset it in WhatsApp Manager",
        )
    return Problem(NUMBER, config.phone_number_id, f"the number cannot be registered: {error}", "see the error's text")

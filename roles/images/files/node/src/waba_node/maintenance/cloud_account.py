"""Commands about token, number and webhook at Meta. Each prints one JSON object on the standard output, without secrets."""

from __future__ import annotations

import json

from ..config import CloudConfig
from ..upstream.cloud.graph import GraphClient
from ..upstream.cloud.inspection import inspect
from ..upstream.cloud.setup import set_up_account


async def print_state(config: CloudConfig, webhook_url: str | None) -> int:
    """Print the state at Meta: see upstream.cloud.inspection.Report. Read-only. Return the exit status."""
    client = GraphClient.configured(config)
    try:
        report = await inspect(client, config, webhook_url)
    finally:
        await client.close()
    print(json.dumps(report.as_dict()))
    return 0


async def set_up(config: CloudConfig, webhook_url: str, check: bool, webhook: bool = True) -> int:
    """Set up the account and print what was done: see upstream.cloud.setup.Outcome. Return the exit status.

    check: change nothing. webhook: set the webhook too.
    """
    client = GraphClient.configured(config)
    try:
        outcome = await set_up_account(client, config, webhook_url, check, webhook)
    finally:
        await client.close()
    print(json.dumps(outcome.as_dict()))
    return 0

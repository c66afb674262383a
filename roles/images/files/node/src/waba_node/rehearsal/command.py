"""The command `cloud-standin`. Secrets and ids come from the environment variables that the node reads too."""

from __future__ import annotations

import argparse
import logging
import os
import ssl

import uvloop
from aiohttp import web

from .server import Identity, Standin
from .webhooks import Callback

log = logging.getLogger("waba_node.rehearsal")


def create(arguments: argparse.Namespace) -> Standin:
    """Return the stand-in that the options and the environment describe."""
    environment = os.environ
    identity = Identity(
        environment.get("WABA_CLOUD_TOKEN", "rehearsal-token"),
        environment.get("WABA_CLOUD_APP_SECRETS", "rehearsal-secret").partition(",")[0],
    )
    identity.phone_number_id = environment.get("WABA_CLOUD_PHONE_NUMBER_ID", identity.phone_number_id)
    identity.waba_id = environment.get("WABA_CLOUD_WABA_ID", identity.waba_id)
    trust = False if arguments.any_webhook else ssl.create_default_context(cafile=arguments.webhook_ca)
    standin = Standin(identity, registered=arguments.registered, trust=trust)
    standin.behaviour.latency = arguments.latency
    if arguments.webhook:
        standin.webhooks.application, standin.webhooks.subscribed = Callback(arguments.webhook, ""), True
    return standin


def run_standin(arguments: argparse.Namespace) -> int:
    """Run the stand-in until a signal ends it. Return the exit status."""
    standin = create(arguments)
    log.info("the stand-in of the Cloud API listens on port %d", arguments.port)
    web.run_app(
        standin.application(),
        port=arguments.port,
        access_log=None,
        print=lambda _text: None,
        loop=uvloop.new_event_loop(),
    )
    return 0

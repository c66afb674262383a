"""Settings of the Cloud API."""

from __future__ import annotations

from typing import Any

from .common import HIDDEN, NETWORK, PIN, TAKEN_PORT, Case

CLOUD_VARS: dict[str, Any] = {
    "waba_upstream": "cloud",
    "waba_cloud_phone_number_id": "+15551234567",
    "waba_cloud_base_url": "http://graph.facebook.com",
    "waba_cloud_version": 25,
    "waba_cloud_proxy": "user:password@proxy.example.com",
    "waba_cloud_webhook_url": f"https://waba.example.com/{'x' * 180}",
    "waba_cloud_webhook_port": TAKEN_PORT + 1,
    "waba_cloud_webhook_publish_address": "here",
    "waba_cloud_webhook_certificate": "/nowhere/hook.pem",
    "waba_cloud_rate": -1,
    "waba_cloud_link_hosts": ["files.lan:8080"],
    "waba_cloud_app_secret": "one,two",
    "waba_cloud_pin": 123456,
    "waba_cloud_previous_app_secret": "",
    "waba_firewall_webhook_sources": ["meta"],
    "waba_environment": {"WABA_CLOUD_TOKEN": "x"},
}
GIVEN = "Write text in quotes; or remove the variable"
CLOUD: list[Case] = [
    ("(controller)", "waba_cloud_token", "(not set)", "the Cloud API needs it",
     "Create a token of a System User in Meta Business Suite, and add it to /nowhere/secrets.yml"),
    ("here", "waba_cloud_phone_number_id", "+15551234567", "an id of Meta has digits only",
     "Copy the phone number ID, not the number itself, from WhatsApp > API Setup of your app"),
    ("here", "waba_cloud_waba_id", "", "the Cloud API needs it",
     "Copy the WhatsApp Business Account ID from WhatsApp > API Setup of your app"),
    ("here", "waba_cloud_base_url", "http://graph.facebook.com", "it is not https, so the token would cross the network in plain text",
     "Write https://; http is for a stand-in on a private address"),
    ("here", "waba_cloud_version", "25", "it is no version of the Graph API", "Write it as in v25.0"),
    ("here", "waba_cloud_proxy", HIDDEN, "it is no URL of an HTTP proxy with a port", "Write it as in http://proxy.example.com:3128"),
    ("here", "waba_cloud_webhook_url", CLOUD_VARS["waba_cloud_webhook_url"], "it has 205 characters, and Meta accepts 200", "Use a shorter path"),
    ("here", "waba_cloud_webhook_port (webhook_port[0])", str(TAKEN_PORT + 1),
     f"webhooks of webapp waweb and webapp waweb (webapps[0].port, {TAKEN_PORT + 1}) would both publish port {TAKEN_PORT + 1}", PIN),
    ("here", "waba_cloud_webhook_publish_address (webhook_publish_address)", "here", "it is not an IP address",
     "Give an address of this host, or '' for all"),
    ("here", "waba_cloud_webhook_key (webhook_certificate_key)", "(not set)", "webhook_certificate is set and this is not",
     "Set both, or none for HTTP behind a reverse proxy"),
    ("here", "waba_cloud_webhook_certificate (webhook_certificate)", "/nowhere/hook.pem", "there is no such file", "Put it there, or fix the path"),
    ("here", "waba_cloud_rate", -1, "it is not between 0 and 1000 messages per second", "Stay within these bounds"),
    ("here", "waba_cloud_link_hosts[0]", "files.lan:8080", "it is neither a host name nor an address", "Write the host of the link, without a port"),
    ("here", "waba_cloud_app_secret", HIDDEN, "it contains white space or a comma", "Copy it again, as one word"),
    ("here", "waba_cloud_pin", HIDDEN, "it has the type int, not text", GIVEN),
    ("here", "waba_cloud_previous_app_secret", HIDDEN, "it is empty", GIVEN),
    ("here", "waba_firewall_webhook_sources (firewall_webhook_sources[0])", "meta", "it is neither an address nor a network", NETWORK),
    ("here", "waba_environment.WABA_CLOUD_TOKEN", HIDDEN, "it would override the setting of the Cloud API", "Remove it, and set waba_cloud_token"),
]  # fmt: skip

RUNS: dict[str, dict[str, Any]] = {
    "cloud": {
        "vars": {
            "waba_cluster_name": "waba-inputs",
            "waba_ha": False,
            "waba_secrets_file": "/nowhere/secrets.yml",
            "waba_database_host": "127.0.0.1",
            "waba_database_port": TAKEN_PORT,
            "waba_webapp_instances": [{"name": "waweb", "port": TAKEN_PORT + 1}],
            **CLOUD_VARS,
        },
        "groups": {group: {"hosts": {"here": {}}} for group in ("waba_masters", "waba_coreapps", "waba_webapps")},
        "refused": CLOUD,
    },
}

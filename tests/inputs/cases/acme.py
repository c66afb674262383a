"""Settings of certificates from an ACME server."""

from __future__ import annotations

from typing import Any

from .common import LEARN, Case

INVALID: dict[str, Any] = {
    "waba_acme_certificates": {
        "waba_webapp_certificate": ["https://api.example.com", "*.example.com"],
        "waba_mysql_certificate": "db.example.com",
        "waba_database_tls_certificate": ["db.example.com"],
    },
    "waba_acme_directory": "http://acme.example.com/directory",
    "waba_acme_email": "operations",
    "waba_acme_challenge": "tls-alpn-01",
    "waba_acme_http_address": "8402",
    "waba_acme_dns_environment": "a token in the wrong place",
    "waba_acme_renew_percent": 0,
    "waba_acme_timeout": 0,
}


def invalid(host: str) -> list[Case]:
    """Return the rows of a host with the settings INVALID. A challenge that is refused counts as the default, http-01."""
    learn, certificates = LEARN.format("renew_certificates"), "waba_acme_certificates"
    return [
        (host, "waba_acme_challenge", "tls-alpn-01",
         "value of waba_acme_challenge must be one of: http-01, dns-01, got: tls-alpn-01", learn),
        (host, "waba_acme_dns_environment", "(str)", "waba_acme_dns_environment must be of the type dict", learn),
        (host, f"{certificates}.waba_webapp_certificate", "https://api.example.com", "it is not a host name",
         "Write a name such as api.example.com, without scheme and port; an international one in its form xn--"),
        (host, f"{certificates}.waba_webapp_certificate", "*.example.com", "http-01 cannot verify a wildcard",
         "Set waba_acme_challenge to dns-01, or list the names"),
        (host, f"{certificates}.waba_mysql_certificate", "db.example.com", "it is not a list of host names",
         "Write a list of names, such as [api.example.com]"),
        (host, certificates, "waba_database_tls_certificate", "it is not a setting whose certificate can come from ACME",
         "Use waba_webapp_certificate, waba_api_proxy_certificate, waba_cloud_webhook_certificate, waba_mysql_certificate"),
        (host, "waba_acme_directory", "http://acme.example.com/directory", "it is not a URL with https",
         "Give the URL of the directory that the CA documents, with https://"),
        (host, "waba_acme_email", "operations", "it is not an email address",
         "Give an address that the CA may write to; it names the account"),
        (host, "waba_acme_accept_terms", False, "the CA issues no certificate before you accept its terms",
         "Read the terms of the CA of waba_acme_directory, and set it to true"),
        (host, "waba_acme_http_address", "8402", "nothing can listen there",
         "Write ADDRESS:PORT, or :PORT for every address of the control node"),
        (host, "waba_acme_renew_percent", 0, "it is no part of a certificate's validity",
         "Use 1 to 100; 33 renews a certificate for 90 days after 60"),
        (host, "waba_acme_timeout", 0, "it is below 1", "Use 1 or more"),
    ]  # fmt: skip

"""The calls of the on-premises API and what they become in the Cloud API. docs/reference/cloud-api.md is made from this table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CallRule:
    """Calls, as `METHOD path`, with one counterpart. cloud: calls of the Cloud API, "" without a counterpart. The note says what happens instead."""

    calls: tuple[str, ...]
    cloud: str
    note: str
    source: str


NUMBER = "/<phone-number-id>"
PROFILE = f"{NUMBER}/whatsapp_business_profile"
COMPLIANCE = f"{NUMBER}/business_compliance_info"

CALLS: tuple[CallRule, ...] = (
    CallRule(
        ("POST /v1/messages",),
        f"`POST {NUMBER}/messages`",
        "Answered as soon as the message is stored. The id of the answer is the cluster's.",
        "send contract",
    ),
    CallRule(("PUT /v1/messages/{id}",), f"`POST {NUMBER}/messages` with `status: read`", "", "mark-read"),
    CallRule(
        ("POST /v1/contacts",),
        "",
        "Every phone number is `valid`, as on-premises since version 2.43. `wa_id` is the number's digits.",
        "contacts decision",
    ),
    CallRule(
        ("GET /v1/contacts/{wa_id}/identity",),
        "",
        "The hash that a webhook carried last, if the identity check of the number is on.",
        "phone-numbers decision",
    ),
    CallRule(("PUT /v1/contacts/{wa_id}/identity",), "", "Recorded by the cluster.", "decision"),
    CallRule(
        ("POST /v1/media",),
        f"`POST {NUMBER}/media`",
        "Uploaded when the file is first sent, and again when its id in the Cloud API is older than 29 days.",
        "media decision",
    ),
    CallRule(
        ("GET /v1/media/{id}",),
        "`GET /<media-id>`, then its `url`",
        "A received file is fetched at once: Meta deletes it after seven days.",
        "media changelog",
    ),
    CallRule(
        ("DELETE /v1/media/{id}",), "", "Deletes the cluster's copy. Meta deletes its copy after 30 days.", "media"
    ),
    CallRule(
        ("POST /v1/account",),
        f"`POST {NUMBER}/request_code`; `POST {NUMBER}/register` if the number is verified already",
        "The number is the configured one, and must belong to the WhatsApp Business Account already. "
        "`cert` has no counterpart.",
        "openapi account",
    ),
    CallRule(
        ("POST /v1/account/verify",),
        f"`POST {NUMBER}/verify_code`, then `POST {NUMBER}/register`",
        "The registration needs the two-step PIN of the number, or a new one.",
        "openapi registration",
    ),
    CallRule(("POST /v1/settings/account/two-step",), f"`POST {NUMBER}` with `pin`", "", "two-step"),
    CallRule(
        ("DELETE /v1/settings/account/two-step",),
        "",
        "Refused: the PIN can only be removed in the WhatsApp Manager.",
        "two-step",
    ),
    CallRule(("GET /v1/settings/business/profile",), f"`GET {PROFILE}`", "", "profiles onprem-profile"),
    CallRule(("POST /v1/settings/business/profile",), f"`POST {PROFILE}`", "", "profiles onprem-profile"),
    CallRule(("GET /v1/settings/business/compliance_info",), f"`GET {COMPLIANCE}`", "", "openapi"),
    CallRule(("POST /v1/settings/business/compliance_info",), f"`POST {COMPLIANCE}`", "", "openapi"),
    CallRule(("GET /v1/settings/profile/about",), f"`GET {PROFILE}`, `about`", "", "profiles"),
    CallRule(("PATCH /v1/settings/profile/about",), f"`POST {PROFILE}`, `about`", "", "profiles"),
    CallRule(("GET /v1/settings/profile/photo",), f"`GET {PROFILE}`, `profile_picture_url`", "", "profiles"),
    CallRule(
        ("POST /v1/settings/profile/photo",),
        f"`POST /<app-id>/uploads`, `POST /<upload-id>`, then `POST {PROFILE}`, `profile_picture_handle`",
        "",
        "profiles openapi",
    ),
    CallRule(("DELETE /v1/settings/profile/photo",), "", "Refused: Meta documents no such call.", "profiles"),
    CallRule(
        ("GET /v1/health",),
        f"`GET {NUMBER}`",
        "A coreapp is `connected` while it owns the shard and the number and the token are usable.",
        "phone-numbers decision",
    ),
    CallRule(
        ("GET /v1/account/shards", "POST /v1/account/shards"),
        "",
        "The shards are the cluster's. Meta limits the rate of a number, not of a shard.",
        "contract decision",
    ),
    CallRule(
        (
            "GET /v1/settings/application",
            "PATCH /v1/settings/application",
            "DELETE /v1/settings/application",
            "GET /v1/settings/application/media/providers",
            "POST /v1/settings/application/media/providers",
            "DELETE /v1/settings/application/media/providers/{name}",
            "POST /v1/settings/backup",
            "POST /v1/settings/restore",
            "POST /v1/certificates/webhooks/ca",
            "GET /v1/certificates/webhooks/ca",
            "DELETE /v1/certificates/webhooks/ca",
            "POST /v1/certificates/external",
            "DELETE /v1/certificates/external",
            "GET /v1/certificates/external/ca",
            "PUT /v1/services/message/gc",
            "PUT /v1/services/media/gc",
            "GET /v1/stats/app",
            "GET /v1/stats/app/internal",
            "GET /v1/stats/cluster",
            "GET /v1/stats/db",
            "GET /v1/stats/db/internal",
            "GET /v1/support",
            "GET /v1/console",
            "POST /v1/users/login",
            "POST /v1/users/logout",
            "POST /v1/users",
            "GET /v1/users/{name}",
            "PUT /v1/users/{name}",
            "DELETE /v1/users/{name}",
            "GET /",
            "GET /metrics",
            "GET /v1/openapi.json",
        ),
        "",
        "Answered by the cluster alone, with any upstream.",
        "contract",
    ),
)

"""The public sources of the rules. A row names its sources by these keys, separated by blanks."""

from __future__ import annotations

META = "https://developers.facebook.com/documentation/business-messaging/whatsapp/"
DECISION = "decision"

SOURCES: dict[str, tuple[str, str]] = {  # key -> title, address (a URL, or a page of this repository)
    "account": ("The on-premises account and profile", "docs/reference/vendor-contract.md#profile-and-account"),
    "audio": ("Audio messages", f"{META}messages/audio-messages"),
    "bsuid": ("Business-scoped user IDs", f"{META}business-scoped-user-ids"),
    "changelog": ("Changelog", f"{META}changelog"),
    "components": ("Template components", f"{META}templates/components"),
    "contact-cards": ("Contacts messages", f"{META}messages/contacts-messages"),
    "contacts": ("The on-premises contact check", "docs/reference/vendor-contract.md#contacts"),
    "contract": ("The on-premises messages", "docs/reference/vendor-contract.md#messages"),
    "coupons": ("Coupon templates", f"{META}templates/coupon-templates"),
    "courier": ("Courier, handlers of both APIs with recorded bodies", "https://github.com/nyaruka/courier"),
    "documents": ("Document messages", f"{META}messages/document-messages"),
    "error-codes": ("Error codes", f"{META}support/error-codes"),
    "groups": ("Groups", f"{META}groups"),
    "images": ("Image messages", f"{META}messages/image-messages"),
    "lists": ("Interactive list messages", f"{META}messages/interactive-list-messages"),
    "locations": ("Location messages", f"{META}messages/location-messages"),
    "mark-read": ("Mark messages as read", f"{META}messages/mark-message-as-read"),
    "marketing-limits": (
        "Limits of marketing messages in both APIs",
        "https://fyno.io/docs/whatsapp-marketing-delivery",
    ),
    "media": ("Media", f"{META}business-phone-numbers/media"),
    "migration": ("Migrating from On-Premises to Cloud API", f"{META}support/migrating-from-onprem-to-cloud"),
    "mpm": ("Multi-product message templates", f"{META}templates/mpm-templates"),
    "onprem-errors": ("The on-premises errors", "https://developers.facebook.com/docs/whatsapp/api/errors"),
    "onprem-profile": (
        "The on-premises business profile",
        "https://developers.facebook.com/docs/whatsapp/api/settings/business-profile/",
    ),
    "onprem-webhooks": ("The on-premises webhooks", "docs/reference/vendor-contract.md#webhooks"),
    "openapi": ("Meta's OpenAPI description", "https://github.com/facebook/openapi"),
    DECISION: ("A decision of this project", "docs/adr/README.md"),
    "phone-numbers": ("Phone numbers", f"{META}business-phone-numbers/phone-numbers"),
    "profiles": ("Business profiles", f"{META}business-profiles"),
    "pywa": ("PyWa, a client of the Cloud API", "https://github.com/david-lev/pywa"),
    "registration": ("Registration", f"{META}business-phone-numbers/registration"),
    "replies": ("Contextual replies", f"{META}messages/contextual-replies"),
    "reply-buttons": ("Interactive reply buttons", f"{META}messages/interactive-reply-buttons-messages"),
    "send": ("Sending messages", f"{META}messages/send-messages"),
    "stickers": ("Sticker messages", f"{META}messages/sticker-messages"),
    "templates": ("Templates", f"{META}templates/overview"),
    "text": ("Text messages", f"{META}messages/text-messages"),
    "ttl": ("Time to live", f"{META}templates/time-to-live"),
    "two-step": ("Two-step verification", f"{META}business-phone-numbers/two-step-verification"),
    "videos": ("Video messages", f"{META}messages/video-messages"),
    "webhook-messages": ("Webhooks: messages", f"{META}webhooks/reference/messages"),
    "webhook-status": ("Webhooks: statuses", f"{META}webhooks/reference/messages/status"),
    "webhook-system": ("Webhooks: system messages", f"{META}webhooks/reference/messages/system"),
    "webhook-unsupported": ("Webhooks: unsupported messages", f"{META}webhooks/reference/messages/unsupported"),
}

"""The number and its account: registration, two-step PIN, profile, settings, webhook addresses, token."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins

from .behaviour import Behaviour
from .errors import GraphError
from .validation import Strict, convert
from .webhooks import Callback, Webhooks

CODE = "123456"  # the registration code
REGISTRATIONS, REGISTRATION_PERIOD = 10, 72 * 3600  # at most, in so many seconds

Pin = Annotated[str, Meta(pattern="^[0-9]{6}$")]
VERTICALS = {
    *("OTHER", "AUTO", "BEAUTY", "APPAREL", "EDU", "ENTERTAIN", "EVENT_PLAN", "FINANCE", "GROCERY", "GOVT", "HOTEL"),
    *("HEALTH", "NONPROFIT", "PROF_SERVICES", "RETAIL", "TRAVEL", "RESTAURANT"),
    *("ALCOHOL", "ONLINE_GAMBLING", "PHYSICAL_GAMBLING", "OTC_DRUGS"),
}
PROFILE_FIELDS = ("about", "address", "description", "email", "profile_picture_url", "websites", "vertical")


class RequestCode(Strict):
    code_method: Literal["SMS", "VOICE"]
    language: Annotated[str, Meta(pattern="^[a-z]{2,3}(_[A-Z]{2})?$")]


class VerifyCode(Strict):
    code: Pin


class Register(Strict):
    messaging_product: Literal["whatsapp"]
    pin: Pin
    data_localization_region: Annotated[str, Meta(pattern="^[A-Z]{2}$")] | UnsetType = UNSET


class WebhookOverride(Strict):
    override_callback_uri: str
    verify_token: str | UnsetType = UNSET


class NumberUpdate(Strict):
    pin: Pin | UnsetType = UNSET
    webhook_configuration: WebhookOverride | UnsetType = UNSET
    new_display_name: Annotated[str, Meta(min_length=2, max_length=75)] | UnsetType = UNSET


class Subscription(Strict):
    override_callback_uri: str | UnsetType = UNSET
    verify_token: str | UnsetType = UNSET


class Profile(Strict, omit_defaults=True):
    messaging_product: Literal["whatsapp"]
    about: Annotated[str, Meta(min_length=1, max_length=139)] | UnsetType = UNSET
    address: Annotated[str, Meta(max_length=256)] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=256)] | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=128, pattern="^([^@ ]+@[^@ ]+)?$")] | UnsetType = UNSET
    vertical: str | UnsetType = UNSET
    websites: Annotated[list[Annotated[str, Meta(max_length=256)]], Meta(max_length=2)] | UnsetType = UNSET
    profile_picture_handle: str | UnsetType = UNSET


class Person(Strict):
    name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    mobile_number: str | UnsetType = UNSET
    landline_number: str | UnsetType = UNSET


class Compliance(Strict, omit_defaults=True):
    messaging_product: Literal["whatsapp"] | UnsetType = UNSET
    entity_name: str | UnsetType = UNSET
    entity_type: str | UnsetType = UNSET
    entity_type_custom: str | UnsetType = UNSET
    is_registered: bool | UnsetType = UNSET
    grievance_officer_details: Person | UnsetType = UNSET
    customer_care_details: Person | UnsetType = UNSET


class IdentityCheck(Strict):
    """Meta's reference and its description disagree on the name; both are accepted."""

    enable_identity_key_check: bool | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        if (self.enable_identity_key_check is UNSET) == (self.enabled is UNSET):
            raise ValueError("enable_identity_key_check is missing")


class Settings(Strict):
    user_identity_change: IdentityCheck


class AccountUpdate(Struct, forbid_unknown_fields=True):
    """A change of the behaviour by a test or an operator. None leaves a value."""

    registered: bool | None = None
    verified: bool | None = None
    pin: str | None = None
    throughput: str | None = None
    quality_rating: str | None = None
    status: str | None = None
    can_send_message: str | None = None


@dataclass
class Account:
    """The state of the number, the WABA and the app."""

    phone_number_id: str
    waba_id: str
    app_id: str
    display_number: str
    webhooks: Webhooks
    behaviour: Callable[[], Behaviour]
    registered: bool = False
    verified: bool = True
    pin: str = ""
    throughput: str = "STANDARD"
    quality_rating: str = "GREEN"
    status: str = ""
    can_send_message: str = "AVAILABLE"
    display_name: str = "Rehearsal"
    identity_check: bool = False
    code_requested: bool = False
    registrations: list[float] = field(default_factory=list)
    profile: dict[str, Any] = field(default_factory=dict)
    compliance: dict[str, Any] = field(default_factory=dict)
    photo: bytes = b""
    sessions: dict[str, tuple[int, str]] = field(default_factory=dict)  # upload session -> size, content type
    handles: dict[str, bytes] = field(default_factory=dict)

    def change(self, update: AccountUpdate) -> None:
        for name in update.__struct_fields__:
            if (value := getattr(update, name)) is not None:
                setattr(self, name, value)

    # -- the number ----------------------------------------------------------------------------------------------------

    def number(self, names: list[str]) -> dict[str, Any]:
        """Return fields of the number; without names those that Meta returns by default."""
        values: dict[str, Any] = {
            "id": self.phone_number_id,
            "verified_name": self.display_name,
            "display_phone_number": f"+{self.display_number}",
            "quality_rating": self.quality_rating,
            "code_verification_status": "VERIFIED" if self.verified else "NOT_VERIFIED",
            "status": self.status or ("CONNECTED" if self.registered else "PENDING"),
            "platform_type": "CLOUD_API" if self.registered else "NOT_APPLICABLE",
            "throughput": {"level": self.throughput},
            "name_status": "APPROVED",
            "is_pin_enabled": bool(self.pin),
            "messaging_limit_tier": "TIER_1K",
            "whatsapp_business_manager_messaging_limit": "TIER_1K",
            "account_mode": "LIVE",
            "is_official_business_account": False,
            "health_status": self.health(),
            "webhook_configuration": self.webhook_configuration(),
        }
        usual = ("verified_name", "code_verification_status", "display_phone_number", "quality_rating", "platform_type")
        unknown = set(names) - set(values)
        if unknown:
            name = sorted(unknown)[0]
            raise GraphError(
                100, f"Tried accessing nonexisting field ({name}) on node type (WhatsAppBusinessPhoneNumber)"
            )
        return {name: values[name] for name in dict.fromkeys([*(names or usual), "id"])}

    def health(self) -> dict[str, Any]:
        entities = [
            ("PHONE_NUMBER", self.phone_number_id),
            ("WABA", self.waba_id),
            ("BUSINESS", "500"),
            ("APP", self.app_id),
        ]
        blocked = {"error_code": 141006, "error_description": "There is an error with the payment method"}
        reason = {"errors": [blocked]} if self.can_send_message == "BLOCKED" else {}
        return {
            "can_send_message": self.can_send_message,
            "entities": [
                {"entity_type": kind, "id": node, "can_send_message": self.can_send_message, **reason}
                for kind, node in entities
            ],
        }

    def webhook_configuration(self) -> dict[str, str]:
        targets = {
            "phone_number": self.webhooks.number,
            "whatsapp_business_account": self.webhooks.account,
            "application": self.webhooks.application,
        }
        return {name: target.url for name, target in targets.items() if target is not None}

    async def update_number(self, body: dict[str, Any]) -> dict[str, Any]:
        update: NumberUpdate = convert(body, NumberUpdate)
        if isinstance(update.pin, str):
            self.pin = update.pin
        if isinstance(update.new_display_name, str):
            self.display_name = update.new_display_name
        if isinstance(update.webhook_configuration, WebhookOverride):
            override = update.webhook_configuration
            self.webhooks.number = await self._verified(override.override_callback_uri, override.verify_token)
        return {"success": True}

    async def _verified(self, url: str | UnsetType, verify_token: str | UnsetType) -> Callback | None:
        """Return a webhook address that has answered the challenge, None for no address."""
        if not url:
            return None
        if not verify_token:
            raise GraphError(131008, "verify_token is missing")
        callback = Callback(str(url), str(verify_token))
        await self.webhooks.verify(callback)
        return callback

    # -- registration --------------------------------------------------------------------------------------------------

    def request_code(self, body: dict[str, Any]) -> dict[str, Any]:
        convert(body, RequestCode)
        if self.verified:
            raise GraphError(136024, "the number is already verified", 400)
        self.code_requested = True
        return {"success": True}

    def verify_code(self, body: dict[str, Any]) -> dict[str, Any]:
        verification: VerifyCode = convert(body, VerifyCode)
        if not self.code_requested or verification.code != CODE:
            raise GraphError(100, "The verification code is invalid or has expired", 422)
        self.verified, self.code_requested = True, False
        return {"success": True, "id": self.phone_number_id}

    def register(self, body: dict[str, Any]) -> dict[str, Any]:
        registration: Register = convert(body, Register)
        self._count_registration()
        if not self.verified:
            raise GraphError(133006, "the number must be verified first")
        if self.pin and registration.pin != self.pin:
            raise GraphError(133005, "the PIN is not that of the number")
        self.registered, self.pin = True, registration.pin
        return {"success": True}

    def deregister(self) -> dict[str, Any]:
        self._count_registration()
        if not self.registered:
            raise GraphError(133010)
        self.registered = False
        return {"success": True}

    def _count_registration(self) -> None:
        now = time.time()
        self.registrations = [at for at in self.registrations if at > now - REGISTRATION_PERIOD]
        if len(self.registrations) >= REGISTRATIONS:
            raise GraphError(133016, "at most 10 requests in 72 hours")
        self.registrations.append(now)

    # -- profile -------------------------------------------------------------------------------------------------------

    def read_profile(self, names: list[str]) -> dict[str, Any]:
        unknown = set(names) - {*PROFILE_FIELDS, "messaging_product"}
        if unknown:
            raise GraphError(100, f"Tried accessing nonexisting field ({sorted(unknown)[0]})")
        chosen = {name: self.profile[name] for name in names if name in self.profile}
        return {"data": [{**chosen, "messaging_product": "whatsapp"}]}

    def update_profile(self, body: dict[str, Any], origin: str) -> dict[str, Any]:
        profile: Profile = convert(body, Profile)
        if isinstance(profile.vertical, str) and profile.vertical not in VERTICALS:
            raise GraphError(131009, f"vertical {profile.vertical!r} is not one of {', '.join(sorted(VERTICALS))}")
        changed = to_builtins(profile)
        handle = changed.pop("profile_picture_handle", None)
        if handle is not None:
            if handle not in self.handles:
                raise GraphError(131009, "profile_picture_handle is unknown")
            self.photo = self.handles[handle]
            changed["profile_picture_url"] = f"{origin}/profile-picture?v={secrets.token_hex(4)}"
        self.profile.update(changed)
        return {"success": True}

    def begin_upload(self, query: dict[str, str]) -> dict[str, Any]:
        length, kind = query.get("file_length", ""), query.get("file_type", "")
        if not length.isdigit() or kind not in ("image/jpeg", "image/png"):
            raise GraphError(100, "file_length and file_type (image/jpeg, image/png) are needed")
        session = f"upload:MTphdHRhY2htZW50{secrets.token_hex(6)}==?sig=ARZ{secrets.token_hex(4)}"
        self.sessions[session] = (int(length), kind)
        return {"id": session}

    def finish_upload(self, session: str, file_offset: str, content: bytes) -> dict[str, Any]:
        if session not in self.sessions:
            raise GraphError(100, "the upload session does not exist", subcode=33)
        if file_offset != "0":
            raise GraphError(100, "the header file_offset is missing or not 0")
        if len(content) != self.sessions[session][0]:
            raise GraphError(100, f"the file has {len(content)} bytes, not {self.sessions[session][0]}")
        handle = f"4::{secrets.token_hex(12)}"
        self.handles[handle] = content
        return {"h": handle}

    # -- settings ------------------------------------------------------------------------------------------------------

    def read_compliance(self, _names: list[str]) -> dict[str, Any]:
        return {"data": [{**self.compliance, "messaging_product": "whatsapp"}] if self.compliance else []}

    def update_compliance(self, body: dict[str, Any]) -> dict[str, Any]:
        compliance = to_builtins(convert(body, Compliance))
        compliance.pop("messaging_product", None)
        self.compliance.update(compliance)
        return {"success": True}

    def read_settings(self) -> dict[str, Any]:
        return {
            "user_identity_change": {"enable_identity_key_check": self.identity_check},
            "storage_configuration": {"status": "DEFAULT"},
            "id": self.phone_number_id,
        }

    def update_settings(self, body: dict[str, Any]) -> dict[str, Any]:
        check = convert(body, Settings).user_identity_change
        self.identity_check = check.enable_identity_key_check is True or check.enabled is True
        return {"success": True}

    # -- the WABA and the token ----------------------------------------------------------------------------------------

    def subscriptions(self) -> dict[str, Any]:
        if not self.webhooks.subscribed:
            return {"data": []}
        entry: dict[str, Any] = {
            "whatsapp_business_api_data": {"id": self.app_id, "name": "Rehearsal", "link": "https://example.com"}
        }
        if self.webhooks.account is not None:
            entry["override_callback_uri"] = self.webhooks.account.url
        return {"data": [entry]}

    async def subscribe(self, body: dict[str, Any]) -> dict[str, Any]:
        subscription: Subscription = convert(body, Subscription)
        self.webhooks.account = await self._verified(subscription.override_callback_uri, subscription.verify_token)
        self.webhooks.subscribed = True
        return {"success": True}

    def unsubscribe(self) -> dict[str, Any]:
        self.webhooks.subscribed, self.webhooks.account = False, None
        return {"success": True}

    def describe_token(self, valid: bool) -> dict[str, Any]:
        if not valid:
            error = {"code": 190, "message": "Invalid OAuth access token", "subcode": 463}
            return {"data": {"is_valid": False, "error": error, "scopes": []}}
        scopes = self.behaviour().scopes
        return {
            "data": {
                "app_id": self.app_id,
                "type": "SYSTEM_USER",
                "application": "Rehearsal",
                "data_access_expires_at": 0,
                "expires_at": 0,
                "is_valid": True,
                "issued_at": 1_790_000_000,
                "scopes": scopes,
                "granular_scopes": [{"scope": scope, "target_ids": [self.waba_id]} for scope in scopes],
                "user_id": "400000000000001",
            }
        }

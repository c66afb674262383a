"""The number's account at Meta: registration, two-step PIN, profile, photo and compliance information, in the shapes of the API.

The primary master makes these calls, although every node has the token: one node at a time registers the number, and a webapp, which may be
reachable from the internet, needs no way out to it (docs/adr/0028-cloud-webhooks-and-account.md). No transaction is open meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import AsyncIterator
from typing import Any, NoReturn

from ...config import CloudConfig
from ..account import Photo, Registration
from ..base import Refused, UpstreamError, WrongCode
from .graph import CloudError, GraphClient, NoAnswer, NotWritten
from .inspection import Number, is_registered
from .translation import profile
from .translation.errors import Untranslatable, code_of, onprem_error

log = logging.getLogger(__name__)

NUMBER_FIELDS = "display_phone_number,verified_name,status,platform_type,code_verification_status"
PROFILE, COMPLIANCE = "whatsapp_business_profile", "business_compliance_info"
WRONG_CODE = (100, 131008, 131009, 136025)  # errors of a verification whose code is malformed, expired or wrong
LARGEST_PHOTO = 1 << 20  # bytes of a photo that is read
PHOTO_TYPES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}  # by the first bytes of the file
MANAGER = "WhatsApp Manager (https://business.facebook.com/wa/manage)"


class CloudAccount:
    """The account of the configured number. Every method raises Refused with errors for the client, or UpstreamError without an answer."""

    def __init__(self, config: CloudConfig) -> None:
        self.config = config
        self.pin = config.pin  # of the number, as far as this node knows
        self.begun_with = config.pin  # the PIN of the registration that waits for its code

    # -- registration --------------------------------------------------------------------------------------------------

    async def register(self, cc: str, phone_number: str, method: str, pin: str | None) -> Registration:
        """Register the number if it is verified, otherwise request a code for `verify`."""
        async with self._client() as client:
            info = await client.number_info(NUMBER_FIELDS)
            digits = re.sub(r"\D", "", str(info.get("display_phone_number", "")), flags=re.ASCII)
            if digits and digits != cc + phone_number:
                raise Untranslatable(1009, f"the configured phone number id belongs to +{digits}")
            name = str(info.get("verified_name") or "")
            if is_registered(_number(info)):
                return Registration(registered=True, name=name)
            self.begun_with = pin or self.pin
            if not self.begun_with:
                raise Untranslatable(1008, "pin: the Cloud API requires the number's two-step PIN, or a new one")
            if info.get("code_verification_status") == "VERIFIED":
                await self._register(client)
                return Registration(registered=True, name=name)
            await client.post(f"{client.phone_number_id}/request_code", profile.code_request_body(method))
            return Registration(registered=False, name=name)

    async def verify(self, code: str) -> None:
        """Verify the number with the code, and register it with the PIN. Raises WrongCode too."""
        async with self._client() as client:
            info = await client.number_info(NUMBER_FIELDS)
            if info.get("code_verification_status") != "VERIFIED":  # otherwise only the registration failed before
                try:
                    await client.post(f"{client.phone_number_id}/verify_code", profile.verification_body(code))
                except CloudError as error:
                    if code_of(error.error) in WRONG_CODE:
                        raise WrongCode(str(onprem_error(error.error or {}).get("details", "wrong"))) from error
                    raise
            if not is_registered(_number(info)):
                await self._register(client)

    async def _register(self, client: GraphClient) -> None:
        await client.post(f"{client.phone_number_id}/register", profile.registration_body(self.begun_with))

    # -- two-step verification -----------------------------------------------------------------------------------------

    async def set_pin(self, pin: str) -> None:
        """Set the two-step PIN of the number."""
        async with self._client() as client:
            await client.post(client.phone_number_id, profile.two_step_body(pin))
        self.pin = pin
        log.warning("the number has a new two-step PIN: set waba_cloud_pin to it, for a later registration")

    async def remove_pin(self) -> NoReturn:
        """Refuse: the Cloud API has no call for it."""
        raise _only_in_manager("turn two-step verification off")

    # -- profile -------------------------------------------------------------------------------------------------------

    async def read_profile(self) -> dict[str, Any]:
        """Return address, description, e-mail, line of business and websites."""
        return profile.profile_of(await self._profile(profile.PROFILE_FIELDS))

    async def change_profile(self, changes: dict[str, Any]) -> None:
        """Change the given fields of the profile."""
        await self._post(PROFILE, profile.profile_body(changes))

    async def read_about(self) -> str:
        """Return the text below the display name."""
        return profile.about_of(await self._profile("about"))

    async def set_about(self, text: str) -> None:
        """Set the text below the display name."""
        await self._post(PROFILE, profile.about_body(text))

    async def read_photo_link(self) -> str:
        """Return the address of the photo, "" without a photo."""
        return profile.photo_of(await self._profile("profile_picture_url"))

    async def read_photo(self) -> Photo | None:
        """Return the photo, or None."""
        if not (link := await self.read_photo_link()):
            return None
        content = bytearray()
        async with self._client() as client:
            async for chunk in client.download(link):
                content += chunk
                if len(content) > LARGEST_PHOTO:
                    raise UpstreamError(f"the photo is larger than {LARGEST_PHOTO} bytes")
        kinds = (kind for signature, kind in PHOTO_TYPES.items() if content.startswith(signature))
        return Photo(next(kinds, "application/octet-stream"), bytes(content))

    async def set_photo(self, photo: Photo) -> None:
        """Set the photo, a JPEG or PNG file, by Meta's Resumable Upload API."""
        async with self._client() as client:
            app_id = (await client.debug_token()).get("app_id")
            if not app_id:
                raise UpstreamError("Meta does not report the application of the token, which an upload requires")
            size = {"file_length": str(len(photo.content)), "file_type": photo.content_type}
            session = await client.post(f"{app_id}/uploads", params=size)
            uploaded = await client.upload_to_session(str(session.get("id")), photo.content)
            await client.post(f"{client.phone_number_id}/{PROFILE}", profile.photo_body(str(uploaded.get("h"))))

    async def remove_photo(self) -> NoReturn:
        """Refuse: the Cloud API has no call for it."""
        raise _only_in_manager("delete the photo")

    # -- compliance ----------------------------------------------------------------------------------------------------

    async def read_compliance(self) -> dict[str, Any]:
        """Return the legal entity and its contacts."""
        return profile.compliance_of(await self._first(COMPLIANCE, profile.COMPLIANCE_FIELDS))

    async def set_compliance(self, information: dict[str, Any]) -> None:
        """Replace the legal entity and its contacts."""
        await self._post(COMPLIANCE, profile.compliance_body(information))

    # -- calls ---------------------------------------------------------------------------------------------------------

    async def _profile(self, fields: str) -> dict[str, Any]:
        return await self._first(PROFILE, fields)

    async def _first(self, edge: str, fields: str) -> dict[str, Any]:
        """Return the entry in the answer of an edge of the number, {} without one."""
        async with self._client() as client:
            data = (await client.get(f"{client.phone_number_id}/{edge}", {"fields": fields})).get("data")
        return data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}

    async def _post(self, edge: str, body: dict[str, Any]) -> None:
        async with self._client() as client:
            await client.post(f"{client.phone_number_id}/{edge}", body)

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[GraphClient]:
        """Yield a client; raise its errors as those of the class."""
        client = GraphClient.configured(self.config)
        try:
            yield client
        except Untranslatable as error:
            raise Refused(error.errors) from error
        except CloudError as error:
            raise Refused([onprem_error(error.error or {"message": str(error)})]) from error
        except NotWritten as error:
            raise UpstreamError(f"Meta cannot be reached: {error}") from error
        except NoAnswer as error:
            raise UpstreamError(f"Meta does not answer, so the call may have had its effect: {error}") from error
        finally:
            await client.close()


def _only_in_manager(action: str) -> Refused:
    return Refused(Untranslatable(1005, f"{action} in {MANAGER}: the Cloud API has no call for it").errors)


def _number(info: dict[str, Any]) -> Number:
    """Return the fields of a number that decide whether it is registered."""
    return Number("", status=info.get("status"), platform_type=info.get("platform_type"))

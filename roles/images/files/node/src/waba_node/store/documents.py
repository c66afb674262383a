"""Named JSON objects: the settings, the account, the secrets that nodes agree on."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import LONGTEXT, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import settings
from ..settings import ApplicationSettings
from .metadata import metadata

SETTINGS, ACCOUNT, TWO_STEP, PROVIDERS = "settings", "account", "two_step", "media_providers"
BUSINESS_PROFILE, COMPLIANCE, ABOUT, PHOTO = "business_profile", "compliance_info", "profile_about", "profile_photo"
WEBHOOK_CA, WEB_CERTIFICATE = "webhook_ca", "web_certificate"
NODE_SECRET, PRIMARY_SECRET = "node_secret", "primary_secret"
# A backup holds the registration and the settings; it holds no messages, no users and nothing that the upstream stores
# (docs/reference/vendor-contract.md#backup-and-restore).
BACKUP_DOCUMENTS = (SETTINGS, ACCOUNT, TWO_STEP, PROVIDERS, BUSINESS_PROFILE, COMPLIANCE, ABOUT, WEBHOOK_CA)

document = sa.Table(
    "document",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("content", LONGTEXT, nullable=False),
)


async def read_document(connection: AsyncConnection, name: str, lock: bool = False) -> dict[str, Any]:
    """Return a stored JSON object, {} where there is none. lock: no other transaction writes it until this one ends."""
    query = sa.select(document.c.content).where(document.c.name == name)
    content = (await connection.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
    return json.loads(content) if content else {}


async def write_document(connection: AsyncConnection, name: str, content: dict[str, Any]) -> None:
    """Store a JSON object."""
    text = json.dumps(content)
    await connection.execute(insert(document).values(name=name, content=text).on_duplicate_key_update(content=text))


async def read_settings(connection: AsyncConnection) -> ApplicationSettings:
    """Return the application settings: the stored ones on top of the defaults."""
    return settings.read_settings(await read_document(connection, SETTINGS))


async def agree_on_secret(connection: AsyncConnection, name: str, proposal: str) -> str:
    """Store a proposal unless there is a secret; return the secret, which counts once the transaction is committed."""
    await connection.execute(
        sa.insert(document).prefix_with("IGNORE").values(name=name, content=json.dumps({"secret": proposal}))
    )
    return str((await read_document(connection, name))["secret"])

"""What the primary master alone does for the API: settings and registration (source: the seed; 1017 elsewhere is a vendor fact)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..rpc import RpcError
from ..runtime.statistics import gauge
from ..settings import changed, restart_needed
from ..store import documents, metadata, outbox, webhook_queue
from ..upstream.base import UpstreamError, WrongCode
from .documents_api import DocumentsApi, require_pin

if TYPE_CHECKING:
    from .process import Master


def register(master: Master) -> None:
    """Let a master answer the calls."""
    leader_api, documents_api = LeaderApi(master), DocumentsApi(master)
    master.master_method("document.change", documents_api.change)
    master.master_method("documents.restore", documents_api.restore)
    master.master_method("settings.patch", leader_api.patch_settings)
    master.master_method("settings.reset", leader_api.reset_settings)
    master.master_method("database.statistics", leader_api.statistics)
    master.master_method("database.tables", leader_api.tables)
    master.master_method("account.register", leader_api.register_account)
    master.master_method("account.verify", leader_api.verify_account)


class LeaderApi:
    """See the module."""

    def __init__(self, master: Master) -> None:
        self.master, self.database, self.upstream = master, master.database, master.upstream

    async def patch_settings(self, payload: dict) -> dict:
        """Change the settings given; the rest stays. Raises RpcError 1009 when the result is not valid."""
        async with self.database.begin() as connection:
            before = await documents.read_document(connection, documents.SETTINGS, lock=True)
            try:
                after = changed(before, payload["settings"])
            except msgspec.ValidationError as error:
                raise RpcError(1009, "Parameter value is not valid", str(error)) from error
            await documents.write_document(connection, documents.SETTINGS, after)
        await self.master.broadcast_settings()
        return {"restart_needed": restart_needed(before, after)}

    async def reset_settings(self, _payload: dict) -> dict:
        """Go back to the defaults."""
        async with self.database.begin() as connection:
            before = await documents.read_document(connection, documents.SETTINGS, lock=True)
            await documents.write_document(connection, documents.SETTINGS, {})
        await self.master.broadcast_settings()
        return {"restart_needed": restart_needed(before, {})}

    async def statistics(self, _payload: dict) -> dict:
        """Count what the database holds."""
        async with self.database.begin() as connection:
            statuses = await outbox.count_messages(connection)
            webhooks = await webhook_queue.pending_webhooks(connection)
        return {
            "node": self.master.config.node_id,
            "db": {
                "db_messages": gauge("Messages by status", {"type": statuses}),
                "db_pending_messages": gauge("Messages not handed over yet", statuses.get(outbox.ACCEPTED, 0)),
                "db_pending_callbacks": gauge("Webhooks that wait for their delivery", webhooks),
            },
        }

    async def tables(self, _payload: dict) -> dict:
        """Return how large every table is."""
        async with self.database.begin() as connection:
            sizes = await metadata.table_sizes(connection)
        rows = {name: rows for name, (rows, _size) in sizes.items()}
        sizes = {name: size for name, (_rows, size) in sizes.items()}
        return {
            "node": self.master.config.node_id,
            "db": {
                "db_table_rows": gauge("Rows of each table, as the database estimates them", {"table": rows}),
                "db_table_bytes": gauge("Bytes of each table with its indexes", {"table": sizes}),
            },
        }

    async def register_account(self, payload: dict) -> dict:
        """Ask for a code, unless the number is registered already."""
        number = {"cc": payload["cc"], "phone_number": payload["phone_number"]}
        async with self.database.begin() as connection:
            account = await documents.read_document(connection, documents.ACCOUNT, lock=True)
            await require_pin(connection, payload.get("pin"))
            if account.get("registered") == number:
                return {"registered": True}
            try:
                await self.upstream.register(number["cc"], number["phone_number"], payload["method"])
            except UpstreamError as error:
                raise RpcError(1005, "Access denied", str(error)) from error
            await documents.write_document(connection, documents.ACCOUNT, {**account, "pending": number})
        return {"registered": False}

    async def verify_account(self, payload: dict) -> dict:
        """Finish the registration with the code."""
        async with self.database.begin() as connection:
            account = await documents.read_document(connection, documents.ACCOUNT, lock=True)
            if "pending" not in account:
                raise RpcError(1005, "Access denied", "Error checking code (no registration was begun)")
            if not payload["code"]:
                raise RpcError(1005, "Access denied", "Error checking code (missing)")
            try:
                await self.upstream.verify(payload["code"])
            except WrongCode as error:
                raise RpcError(1005, "Access denied", f"Error checking code ({error})") from error
            await documents.write_document(connection, documents.ACCOUNT, {"registered": account["pending"]})
        # Coreapps that stand by would call themselves unregistered until their next report else.
        await self.master.broadcast_settings()
        return {}

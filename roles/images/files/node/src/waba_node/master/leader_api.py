"""RPC methods of the primary master for settings, statistics and registration."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from ..rpc import Payload, RpcError
from ..runtime.statistics import gauge
from ..settings import apply_change, restart_needed
from ..store import contacts, documents, metadata, outbox, webhook_queue
from ..upstream.base import Refused, UpstreamError, WrongCode
from . import account_api
from .account_api import refusal
from .documents_api import DocumentsApi, require_pin

if TYPE_CHECKING:
    from .process import Master


GROUP_STATUS = {  # of the database member that answers: name -> help
    "members": "Members of the database cluster, as the writer sees it",
    "receive_queue": "Changes that the writer has received and not applied",
}


def register(master: Master) -> None:
    """Answer the methods of the documents API and of the leader API."""
    leader_api, documents_api = LeaderApi(master), DocumentsApi(master)
    master.add_leader_method("document.change", documents_api.change)
    master.add_leader_method("documents.restore", documents_api.restore)
    master.add_leader_method("settings.patch", leader_api.patch_settings)
    master.add_leader_method("settings.reset", leader_api.reset_settings)
    master.add_leader_method("database.statistics", leader_api.statistics)
    master.add_leader_method("database.tables", leader_api.tables)
    master.add_leader_method("account.register", leader_api.register_account)
    master.add_leader_method("account.verify", leader_api.verify_account)
    account_api.register(master)


class LeaderApi:
    """What only the primary master does (docs/reference/vendor-contract.md#high-availability)."""

    def __init__(self, master: Master) -> None:
        self.master, self.database, self.upstream = master, master.database, master.upstream
        self.registration = asyncio.Lock()  # one at a time; no transaction is open during a call to the upstream

    async def patch_settings(self, payload: Payload) -> Payload:
        """Change the given settings; the rest stays. Raises RpcError 1009 when the result is not valid."""
        async with self.database.begin() as connection:
            before = await documents.read_document(connection, documents.SETTINGS, lock=True)
            try:
                after = apply_change(before, payload["settings"])
            except msgspec.ValidationError as error:
                raise RpcError(1009, "Parameter value is not valid", str(error)) from error
            await documents.write_document(connection, documents.SETTINGS, after)
        await self.master.broadcast_settings()
        return {"restart_needed": restart_needed(before, after)}

    async def reset_settings(self, _payload: Payload) -> Payload:
        """Reset the settings to their defaults."""
        async with self.database.begin() as connection:
            before = await documents.read_document(connection, documents.SETTINGS, lock=True)
            await documents.write_document(connection, documents.SETTINGS, {})
        await self.master.broadcast_settings()
        return {"restart_needed": restart_needed(before, {})}

    async def statistics(self, _payload: Payload) -> Payload:
        """Count messages and webhooks."""
        async with self.database.begin() as connection:
            statuses = await outbox.count_messages(connection)
            webhooks = await webhook_queue.count_pending_webhooks(connection)
            users, others = await contacts.count_contacts(connection)
        receipts = sum(count for status, count in statuses.items() if status != outbox.ACCEPTED)
        checked = {"whatsapp_user": users, "non_whatsapp_user": others}
        return {
            "node": self.master.config.node_id,
            "db": {
                "db_contacts": gauge("Checked contacts by result", {"type": checked}),
                "db_message_receipts": gauge("Messages with a status from the upstream", receipts),
                "db_messages": gauge("Messages by status", {"type": statuses}),
                "db_pending_messages": gauge("Messages not handed over yet", statuses.get(outbox.ACCEPTED, 0)),
                "db_pending_callbacks": gauge("Webhooks that wait for their delivery", webhooks),
            },
        }

    async def tables(self, _payload: Payload) -> Payload:
        """Return the size of every table, and of the group of database members where there is one."""
        async with self.database.begin() as connection:
            tables = await metadata.read_table_sizes(connection)
            group = await metadata.read_group_status(connection)
        rows = {name: rows for name, (rows, _size) in tables.items()}
        sizes = {name: size for name, (_rows, size) in tables.items()}
        group_metrics = {f"db_{name}": gauge(GROUP_STATUS[name], value) for name, value in group.items()}
        return {
            "node": self.master.config.node_id,
            "db": {
                "db_table_rows": gauge("Rows of each table, as the database estimates them", {"table": rows}),
                "db_table_bytes": gauge("Bytes of each table with its indexes", {"table": sizes}),
                **group_metrics,
            },
        }

    async def register_account(self, payload: Payload) -> Payload:
        """Request a registration code unless the number is registered already: cc, phone_number, method, pin."""
        number = {"cc": payload["cc"], "phone_number": payload["phone_number"]}
        async with self.registration:
            async with self.database.begin() as connection:
                account = await documents.read_document(connection, documents.ACCOUNT)
                if self.upstream.account is None:  # otherwise the upstream checks its own
                    await require_pin(connection, payload.get("pin"))
            if self.upstream.account is None and account.get("registered") == number:
                return {"registered": True}
            try:
                begun = await self.upstream.register(
                    number["cc"], number["phone_number"], payload["method"], payload.get("pin")
                )
            except Refused as error:
                raise refusal(error) from error
            except UpstreamError as error:
                raise RpcError(1005, "Access denied", str(error)) from error
            await self.write_account({"registered": number} if begun.registered else {**account, "pending": number})
        if begun.registered:
            await self.master.broadcast_settings()
        return {"registered": begun.registered, "name": begun.name}

    async def verify_account(self, payload: Payload) -> Payload:
        """Finish the registration with the code."""
        async with self.registration:
            async with self.database.begin() as connection:
                account = await documents.read_document(connection, documents.ACCOUNT)
            if "pending" not in account:
                raise RpcError(1005, "Access denied", "Error checking code (no registration was begun)")
            if not payload["code"]:
                raise RpcError(1005, "Access denied", "Error checking code (missing)")
            try:
                await self.upstream.verify(payload["code"])
            except WrongCode as error:
                raise RpcError(1005, "Access denied", f"Error checking code ({error})") from error
            except Refused as error:
                raise refusal(error) from error
            await self.write_account({"registered": account["pending"]})
        # Otherwise standbys report `unregistered` until their next report.
        await self.master.broadcast_settings()
        return {}

    async def write_account(self, account: dict[str, Any]) -> None:
        """Record what the upstream has done, also when the database fails over at that moment: the upstream does not do it twice."""

        async def write(connection: AsyncConnection) -> None:
            await documents.write_document(connection, documents.ACCOUNT, account)

        await self.database.run(write)

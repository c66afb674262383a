"""What the tests of leases share: requests as masters and coreapps send them, each a transaction of its own."""

from __future__ import annotations

from waba_node.address import NodeAddress
from waba_node.control.promotion import Promotion
from waba_node.store import master_lease, ownership
from waba_node.store.engine import Database

PORTS = (6250, 6251, 6252, 6253)
DELAY = 30.0  # seconds


def address(name: str, role: str = "coreapp") -> NodeAddress:
    return NodeAddress(f"{name}:0123456789ab", role, name, PORTS)


async def promote(
    database: Database, name: str, incarnation: str, counter: tuple[int, int], shard: int = 0
) -> int | None:
    """Return the new epoch, or None."""
    async with database.begin() as connection:
        return await ownership.promote(connection, Promotion(shard, address(name).node_id, incarnation, counter))


async def renew(
    database: Database, name: str, incarnation: str, epoch: int, renewal: int = 1, delay: float = DELAY
) -> bool:
    async with database.begin() as connection:
        return await ownership.renew(connection, 0, address(name).node_id, incarnation, epoch, renewal, delay)


async def counter(database: Database, shard: int = 0) -> tuple[int, int]:
    """Return what an observer of the map reads of a shard."""
    async with database.begin() as connection:
        return (await ownership.read_map(connection))[shard].counter


async def read_lease(database: Database) -> master_lease.ReadLease:
    async with database.begin() as connection:
        return await master_lease.read(connection)


async def take_lease(
    database: Database, master: str, observed: master_lease.ReadLease, renewal: int = 1, delay: float = DELAY
) -> int | None:
    """Return the epoch, or None. The master's name is its incarnation too."""
    async with database.begin() as connection:
        return await master_lease.take(connection, master, master, observed, renewal, delay)


async def renew_lease(database: Database, master: str, epoch: int, renewal: int, delay: float = DELAY) -> bool:
    async with database.begin() as connection:
        return await master_lease.renew(connection, master, epoch, renewal, delay)


async def is_guarded(database: Database, master: str, epoch: int | None) -> bool:
    assert epoch is not None
    async with database.begin() as connection:
        return await master_lease.guard(connection, master, epoch)

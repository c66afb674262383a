"""The simulated tables of the Cloud API upstream behave as those of a database server do under the functions of the package `store`."""

from __future__ import annotations

import inspect
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from waba_node.store import contacts, deliveries, inbox, media, outbox, ownership, updates, webhook_queue
from waba_node.store.deliveries import NotClaimed, Sent
from waba_node.store.engine import Database
from waba_node.store.updates import ReceivedUpdate

from .cloud import store
from .cloud.transactions import Client, Transaction
from .cloud.world import CloudWorld, node_in_simulation
from .database import Message
from .faults import crash
from .process import Process

MODULES = (contacts, deliveries, inbox, media, outbox, ownership, updates, webhook_queue)
FUNCTIONS = {
    name: next(getattr(module, name) for module in MODULES if hasattr(module, name))
    for name, value in vars(store).items()
    if inspect.iscoroutinefunction(value) and value.__module__ == store.__name__
}
MESSAGES = {str(number): f"49151000000{number}" for number in range(6)}  # id -> recipient
BUCKETS = {name: int(name) % 3 for name in MESSAGES}
EVERY, SOME = range(32), range(0, 32, 3)
LONG = 3600.0  # seconds: longer than a test takes
Call = tuple[str, tuple[Any, ...], dict[str, Any]]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_simulated_function_has_the_parameters_of_its_original(name: str) -> None:
    simulated, original = (inspect.signature(one).parameters for one in (getattr(store, name), FUNCTIONS[name]))
    assert [parameter.lstrip("_") for parameter in simulated] == list(original)
    assert [one.kind for one in simulated.values()] == [one.kind for one in original.values()]


def transactions(source: random.Random) -> list[tuple[list[Call], bool]]:
    """Return random transactions: their calls, and whether they are undone."""

    def call() -> Call:
        names = source.sample(sorted(MESSAGES), source.randint(1, 3))
        sent = {f"wamid.{name}.{source.randint(1, 2)}": Sent(name, BUCKETS[name]) for name in names}
        buckets, epoch = source.choice((EVERY, SOME)), source.randint(1, 3)
        received = [ReceivedUpdate(BUCKETS[name], "status", f"{name}/{epoch}", f'"{name}"') for name in names]
        calls: list[Call] = [
            ("claim", (epoch, {name: BUCKETS[name] for name in names[:1]}), {}),
            ("claim", (epoch, {name: BUCKETS[name] for name in names}), {}),
            ("record_sent", (sent,), {}),
            ("record_failed", (sent,), {}),
            ("end_deliveries", (names,), {}),
            ("mark_uncertain", (epoch, names), {}),
            ("mark_abandoned", (buckets, epoch), {}),
            ("queue_again", (names,), {"sent_perhaps": source.random() < 0.5}),
            ("record_statuses", ({names[0]: source.choice(("sent", "delivered", "failed"))},), {}),
            ("store_inbound", ({f"wamid.in.{name}": "49151" for name in names},), {}),
            ("store_updates", (received,), {}),
            ("lock_messages", (names,), {}),
            ("read_waiting", (buckets, 0, 10), {}),
            ("read_overdue", (buckets, source.choice((-LONG, LONG)), 10), {}),
            ("read_uncertain", (names,), {}),
            ("count_uncertain", (buckets,), {}),
            ("read_possible", (names,), {}),
            ("read_repeated", (names,), {}),
            ("find_messages", (sorted(sent),), {}),
            ("read_due_updates", (buckets, 10), {}),
            ("delete_due", (buckets, source.randint(1, 3)), {}),
            ("postpone_due", (buckets, source.randint(1, 3)), {}),
        ]
        return source.choice(calls)

    return [([call() for _call in range(source.randint(1, 3))], source.random() < 0.1) for _transaction in range(150)]


async def run(begin: Callable[[], Any], find: Callable[[str], Callable[..., Awaitable[Any]]], seed: int) -> list[Any]:
    """Run the transactions of a seed. Return their results, without positions and moments."""
    results: list[Any] = []
    for calls, undone in transactions(random.Random(seed)):
        try:
            async with begin() as connection:
                for name, arguments, options in calls:
                    results.append((name, arguments, comparable(await act(connection, find, name, arguments, options))))
                if undone:
                    raise InterruptedError
        except NotClaimed:
            results.append("not claimed")
        except InterruptedError:
            results.append("undone")
    return results


async def act(
    connection: Any,
    find: Callable[[str], Callable[..., Awaitable[Any]]],
    name: str,
    arguments: tuple[Any, ...],
    options: dict[str, Any],
) -> Any:
    """Make a call. delete_due, postpone_due: of the first updates that are due."""
    if name not in ("delete_due", "postpone_due"):
        return await find(name)(connection, *arguments, **options)
    buckets, number = arguments
    positions = [row.position for row in await find("read_due_updates")(connection, buckets, number)]
    if name == "delete_due":
        return await find("delete_updates")(connection, positions)
    return await find("postpone_updates")(connection, positions, LONG)


def comparable(result: Any) -> Any:
    """Return a result without positions and moments."""
    if isinstance(result, list) and result and isinstance(result[0], deliveries.Waiting):
        return [(one.unsent.message_id, one.recipient, one.bucket) for one in result]
    if isinstance(result, list) and result and isinstance(result[0], updates.StoredUpdate):
        return [(one.bucket, one.kind, one.content) for one in result]
    if isinstance(result, list):
        return sorted(result)
    return result


class StoredWorld(CloudWorld):
    """A cluster in which only transactions happen."""

    def check_commit(self, _transaction: Transaction) -> None:
        """Allow any."""

    def check_caught_up(self, _process: Process, _overdue: list[str]) -> None:
        """Allow any."""


def simulated_results(seed: int) -> list[Any]:
    """Return the results of a seed in the simulated database."""
    results: list[Any] = []
    with node_in_simulation():
        world = StoredWorld(seed, 1, 1, 1, 1, pause=0)
        for name, recipient in MESSAGES.items():
            message = Message(int(name), recipient, int(name) + 1)
            message.bucket = BUCKETS[name]
            world.database.messages[message.id] = message
        process = world.webapps[0]

        async def simulate() -> None:
            results.extend(await run(Client(process).begin, lambda name: getattr(store, name), seed))

        crash(world, world.nodes[0])
        process.loop.spawn(simulate())
        world.run_until(lambda: bool(results), 600)
        world.close()
    return results


@pytest.fixture(params=range(2))
def simulated(request: pytest.FixtureRequest) -> tuple[int, list[Any]]:
    """A seed and its results, outside of the test's own event loop."""
    return request.param, simulated_results(request.param)


async def test_random_transactions_have_the_results_of_a_database_server(
    simulated: tuple[int, list[Any]], database: Database
) -> None:
    seed, results = simulated
    assert len(results) > 200
    async with database.begin() as connection:
        rows = [
            {"message_id": name, "bucket": BUCKETS[name], "recipient": recipient, "payload": {}}
            for name, recipient in MESSAGES.items()
        ]
        await outbox.store_messages(connection, [outbox.as_row(row) for row in rows])
    assert results == await run(database.begin, FUNCTIONS.__getitem__, seed)

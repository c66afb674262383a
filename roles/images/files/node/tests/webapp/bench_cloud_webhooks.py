"""Measure how many updates the webhook listener stores a second, and how long a sender waits.

tests/tools/with_database env PYTHONPATH=images/node/src .venv/bin/python images/node/tests/webapp/bench_cloud_webhooks.py [--rate 1000] [--batch 1]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import secrets
import statistics
import time
from collections import Counter
from multiprocessing.synchronize import Event
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
import uvloop
from cloud_support import NUMBER_ID, SECRET, StubWebapp, cloud_config, listening, message, webhook
from waba_node.config import DatabaseConfig
from waba_node.store import master_lease, schema
from waba_node.store.engine import Database
from waba_node.webapp.cloud_signature import HEADER, sign

PORT = 18260
CONNECTIONS = 64


def configuration() -> DatabaseConfig:
    """Return a new database on the server of WABA_TEST_DATABASE."""
    url = urlsplit(os.environ["WABA_TEST_DATABASE"])
    name = f"waba_bench_{secrets.token_hex(4)}"
    return DatabaseConfig(
        url.hostname or "", url.port or 3306, url.username or "", unquote(url.password or ""), name, 180
    )


def receive(config: DatabaseConfig, ready: Event, stop: Event) -> None:
    """Run the listener until it is stopped; print its processor time and memory."""

    async def run() -> None:
        async def allowed(_connection: object) -> bool:
            return True

        database = Database(config)
        await database.ensure()
        async with database.begin() as connection:
            await master_lease.create_table(connection)
        await schema.upgrade(database, allowed)
        async with asyncio.TaskGroup() as tasks, listening(StubWebapp(database, tasks), cloud_config(PORT)) as webhooks:
            before = time.process_time()
            ready.set()
            while not stop.is_set():
                await asyncio.sleep(0.1)
            accepted = sum(webhooks.metrics.updates.values())
            seconds = time.process_time() - before
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
            print(
                f"listener: {seconds / max(1, accepted) * 1e3:.2f} ms of processor time an update, {memory} MiB at most"
            )
        async with database.begin() as connection:
            await connection.execute(sa.text(f"DROP DATABASE `{config.name}`"))
        await database.close()

    uvloop.run(run())


def request(number: int, batch: int) -> bytes:
    """Return a signed webhook with `batch` messages of different users."""
    messages = [message(f"wamid.{number}.{entry}", str(15550000000 + number + entry)) for entry in range(batch)]
    body = json.dumps(webhook(messages=messages, number_id=NUMBER_ID)).encode()
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{HEADER}: {sign(body, SECRET)}\r\n\r\n"
    return head.encode() + body


async def send(rate: float, batch: int, seconds: float) -> None:
    """Offer `rate` updates a second over a fixed number of connections, however long the answers take."""
    requests = [request(number, batch) for number in range(int(rate * seconds / batch))]
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _connection in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", PORT))
    waits: list[float] = []
    refused: Counter[str] = Counter()

    async def post(raw: bytes, due: float) -> None:
        reader, writer = await free.get()
        writer.write(raw)
        try:
            await reader.readuntil(b"ok\n")
            waits.append(time.monotonic() - due)  # with the time that it waited for a connection
        except asyncio.IncompleteReadError as error:  # a refusal closes the connection
            refused[error.partial.partition(b"\r\n")[0].decode()] += 1
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        free.put_nowait((reader, writer))

    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for number, raw in enumerate(requests):
            due = began + number * batch / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.create_task(post(raw, due))
    took = time.monotonic() - began
    waits.sort()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    print(f"{len(waits) * batch / took:.0f} updates/s of {rate:.0f} offered; refused: {dict(refused) or 'none'}")
    print(f"answer: median {statistics.median(waits) * 1e3:.0f} ms, 99 % {waits[int(0.99 * len(waits))] * 1e3:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=1000, help="updates a second")
    parser.add_argument("--batch", type=int, default=1, help="updates in one webhook")
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Event(), context.Event()
    receiver = context.Process(target=receive, args=(configuration(), ready, stop))
    receiver.start()
    if not ready.wait(300):
        raise TimeoutError("the listener did not start")
    try:
        uvloop.run(send(arguments.rate, arguments.batch, arguments.seconds))
    finally:
        stop.set()
        receiver.join(60)


if __name__ == "__main__":
    main()

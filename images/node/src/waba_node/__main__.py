"""`python3 -m waba_node run | wait-for-database | schema-status`: what the container's entry commands and upgrades start."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time

from .config import ConfigurationError, NodeConfig, Role

log = logging.getLogger("waba_node")


class LevelLetter(logging.Formatter):
    """One line an event, the severity's letter first (vendor fact: I for information, W for warnings and errors; E is ours)."""

    def format(self, record: logging.LogRecord) -> str:
        record.letter = "E" if record.levelno >= logging.ERROR else "W" if record.levelno >= logging.WARNING else "I"
        return super().format(record)


def main(arguments: list[str]) -> int:
    """Run a command; return the exit status."""
    # What schema-status says is for programs, and alone on the standard output.
    handler = logging.StreamHandler(sys.stderr if arguments == ["schema-status"] else sys.stdout)
    handler.setFormatter(LevelLetter("%(letter)s %(asctime)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # Their own talk (migrations; the database's notes about rows that are there already) is not the operator's.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("asyncmy").setLevel(logging.ERROR)
    commands = {"run": run, "wait-for-database": wait_for_database, "schema-status": schema_status}
    if len(arguments) != 1 or arguments[0] not in commands:
        log.error("usage: python3 -m waba_node %s", " | ".join(commands))
        return 2
    try:
        config = NodeConfig.from_environment(os.environ)
    except ConfigurationError as error:
        log.error("not starting: %s", error)
        return 2
    return asyncio.run(commands[arguments[0]](config))


async def run(config: NodeConfig) -> int:
    """Run the node until it is told to stop."""
    if config.role is Role.UPGRADE:
        return await upgrade(config)
    # Each role imports what it needs, so that none pays memory for another.
    if config.role is Role.MASTER:
        from .master import Master as Node
    elif config.role is Role.WEBAPP:
        from .webapp import Webapp as Node
    else:
        from .coreapp import Coreapp as Node
    await Node(config).run()
    return 0


async def upgrade(config: NodeConfig) -> int:
    """Bring the schema up to date once, without a cluster (vendor fact: WA_DB_UPGRADE=1)."""
    from .runtime import DATABASE_TROUBLE, cause
    from .store import cluster, schema
    from .store.engine import Database

    async def allowed(_connection) -> bool:
        return True

    database = Database(config.database)
    try:
        await database.ensure()
        async with database.begin() as connection:
            await cluster.create_lease_table(connection)
        done = await schema.upgrade(database, allowed)
    except schema.SchemaError as error:
        log.error("%s", error)
        return 1
    except DATABASE_TROUBLE as error:
        log.error("the schema could not be upgraded: %s", cause(error))
        return 1
    finally:
        await database.close()
    if done:
        log.info("the schema is up to date")
    return 0 if done else 1


async def schema_status(config: NodeConfig) -> int:
    """Print, as JSON, where the schema is, what this version would do to it, and which running nodes would not bear that."""
    from .runtime import DATABASE_TROUBLE, cause
    from .store import schema
    from .store.engine import Database

    database = Database(config.database)
    try:
        print(json.dumps(await schema.status(database)))
    except DATABASE_TROUBLE as error:
        log.error("the schema could not be read: %s", cause(error))
        return 1
    finally:
        await database.close()
    return 0


async def wait_for_database(config: NodeConfig) -> int:
    """Wait until the database server lets the node in, saying what it waits for."""
    from .runtime import DATABASE_TROUBLE, cause
    from .store.engine import Database

    database = Database(config.database)
    said, began = "", time.monotonic()
    while True:
        try:
            await database.ensure()
            break
        except DATABASE_TROUBLE as error:
            if (reason := cause(error)) != said:
                said = reason
                log.warning("waiting for the database %s:%d: %s", config.database.host, config.database.port, reason)
            await asyncio.sleep(0.5)
    await database.close()
    log.info("the database answers after %.1f s", time.monotonic() - began)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

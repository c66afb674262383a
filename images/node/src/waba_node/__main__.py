"""`python3 -m waba_node COMMAND`: what the container's entry commands, upgrades and operators start."""

from __future__ import annotations

import argparse
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


def arguments_of(command_line: list[str]) -> argparse.Namespace:
    """Return what is to be done. Exits with 2 and the usage when that is not to be understood."""
    parser = argparse.ArgumentParser(prog="python3 -m waba_node", description="A node of a waba cluster.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="be the node that the environment describes")
    commands.add_parser("wait-for-database", help="wait until the database lets this node in")
    commands.add_parser("schema-status", help="print, as JSON, what this version would do to the schema")
    drain = commands.add_parser(
        "drain", help="take the node that runs in this container out of service, and wait for that"
    )
    drain.add_argument("--force", action="store_true", help="also when no other node can take over")
    drain.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="wait no longer than that (60)")
    commands.add_parser("resume", help="put a node that was drained back into service")
    return parser.parse_args(command_line)


def main(command_line: list[str]) -> int:
    """Run a command; return the exit status."""
    arguments = arguments_of(command_line)
    # What schema-status says is for programs, and alone on the standard output.
    handler = logging.StreamHandler(sys.stderr if arguments.command == "schema-status" else sys.stdout)
    handler.setFormatter(LevelLetter("%(letter)s %(asctime)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # Their own talk (migrations; the database's notes about rows that are there already) is not the operator's.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("asyncmy").setLevel(logging.ERROR)
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # a connection that broke: who used it says so
    try:
        config = NodeConfig.from_environment(os.environ)
    except ConfigurationError as error:
        log.error("not starting: %s", error)
        return 2
    if arguments.command == "run":
        import uvloop  # a tenth more messages a second than on asyncio's own loop

        return uvloop.run(run(config))
    commands = {"wait-for-database": wait_for_database, "schema-status": schema_status}
    if (command := commands.get(arguments.command)) is not None:
        return asyncio.run(command(config))
    from .runtime import drain_command

    if arguments.command == "drain":
        return asyncio.run(drain_command.drain(config, arguments.force, arguments.timeout))
    return asyncio.run(drain_command.resume(config))


async def run(config: NodeConfig) -> int:
    """Run the node until it is told to stop."""
    if config.role is Role.UPGRADE:
        return await upgrade(config)
    # Each role imports what it needs, so that none pays memory for another.
    if config.role is Role.MASTER:
        from .master.process import Master as Node
    elif config.role is Role.WEBAPP:
        from .webapp.process import Webapp as Node
    else:
        from .coreapp.process import Coreapp as Node
    await Node(config).run()
    return 0


async def upgrade(config: NodeConfig) -> int:
    """Bring the schema up to date once, without a cluster (vendor fact: WA_DB_UPGRADE=1)."""
    from .store import master_lease, schema
    from .store.engine import DATABASE_ERRORS, Database, error_summary

    async def allowed(_connection) -> bool:
        return True

    database = Database(config.database)
    try:
        await database.ensure()
        async with database.begin() as connection:
            await master_lease.create_table(connection)
        done = await schema.upgrade(database, allowed)
    except schema.SchemaError as error:
        log.error("%s", error)
        return 1
    except DATABASE_ERRORS as error:
        log.error("the schema could not be upgraded: %s", error_summary(error))
        return 1
    finally:
        await database.close()
    if done:
        log.info("the schema is up to date")
    return 0 if done else 1


async def schema_status(config: NodeConfig) -> int:
    """Print, as JSON, where the schema is, what this version would do to it, and which running nodes would not bear that."""
    from .store import schema
    from .store.engine import DATABASE_ERRORS, Database, error_summary

    database = Database(config.database)
    try:
        print(json.dumps(await schema.status(database)))
    except DATABASE_ERRORS as error:
        log.error("the schema could not be read: %s", error_summary(error))
        return 1
    finally:
        await database.close()
    return 0


async def wait_for_database(config: NodeConfig) -> int:
    """Wait until the database server lets the node in, saying what it waits for."""
    from .store.engine import DATABASE_ERRORS, Database, error_summary

    database = Database(config.database)
    said, began = "", time.monotonic()
    while True:
        try:
            await database.ensure()
            break
        except DATABASE_ERRORS as error:
            if (reason := error_summary(error)) != said:
                said = reason
                log.warning("waiting for the database %s:%d: %s", config.database.host, config.database.port, reason)
            await asyncio.sleep(0.5)
    await database.close()
    log.info("the database answers after %.1f s", time.monotonic() - began)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

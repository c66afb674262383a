"""`python3 -m waba_node COMMAND`: started by the container's entry commands, by the collection and by operators."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Coroutine

from .config import CloudConfig, ConfigurationError, NodeConfig, Role

log = logging.getLogger("waba_node")


class SeverityFormatter(logging.Formatter):
    """One line per event, with the first letter of its severity in front: I for information, W for warnings, E for errors."""

    def format(self, record: logging.LogRecord) -> str:
        record.letter = "E" if record.levelno >= logging.ERROR else "W" if record.levelno >= logging.WARNING else "I"
        return super().format(record)


def parse(command_line: list[str]) -> argparse.Namespace:
    """Return the command and its options. Exits with status 2 and the usage when they are not valid."""
    parser = argparse.ArgumentParser(prog="python3 -m waba_node", description="A node of a waba cluster.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run the node that the environment describes")
    commands.add_parser("wait-for-database", help="wait until the database accepts the node's account")
    commands.add_parser("schema-status", help="print, as JSON, what this version would do to the schema")
    drain = commands.add_parser("drain", help="take the node of this container out of service, and wait for that")
    drain.add_argument("--force", action="store_true", help="also when no other node can take over")
    drain.add_argument("--timeout", type=float, default=60, metavar="SECONDS", help="seconds to wait (default: 60)")
    commands.add_parser("resume", help="put a drained node back into service")
    commands.add_parser("database-info", help="print, as JSON, the state of the database, for a backup or a restore")
    secure = commands.add_parser("secure-restored", help="make a restored database safe to start from")
    secure.add_argument("--epoch", type=int, required=True, help="`epoch` of database-info before the restore")
    secure.add_argument(
        "--takeover-delay", type=float, metavar="SECONDS", help="`takeover_delay` of database-info, unless null"
    )
    forget = commands.add_parser("forget-nodes", help="remove the nodes of lost hosts from the registry")
    forget.add_argument("hostnames", nargs="+", metavar="HOSTNAME", help="the name under which the nodes registered")
    forget.add_argument("--dry-run", action="store_true", help="print the nodes, and remove none")
    standin = commands.add_parser("cloud-standin", help="run a stand-in for Meta's Cloud API, for a rehearsal")
    standin.add_argument("--port", type=int, default=6290, help="of the API and of its control calls (default: 6290)")
    standin.add_argument("--registered", action="store_true", help="begin with a registered number")
    standin.add_argument("--webhook", default="", metavar="URL", help="begin with this webhook address, subscribed")
    standin.add_argument(
        "--any-webhook", action="store_true", help="accept http and any certificate of a webhook, which Meta does not"
    )
    standin.add_argument("--webhook-ca", metavar="FILE", help="the certificates that webhook receivers are signed by")
    standin.add_argument("--latency", type=float, default=0, metavar="SECONDS", help="to answer a message (default: 0)")
    check = commands.add_parser("cloud-check", help="print, as JSON, the state of token, number and webhook at Meta")
    check.add_argument("--webhook-url", metavar="URL", help="the URL that Meta shall call")
    setup = commands.add_parser("cloud-setup", help="register the number, set its webhook and subscribe the app")
    setup.add_argument("--webhook-url", metavar="URL", required=True, help="the URL that Meta shall call")
    setup.add_argument("--check", action="store_true", help="print what would be done, and change nothing")
    setup.add_argument(
        "--without-webhook", action="store_true", help="leave the webhook to a run after the webapps serve"
    )
    guard = commands.add_parser("database-guard", help="run the guard of a database member, beside it")
    actions = guard.add_subparsers(dest="action")
    move = actions.add_parser(
        "move", help="let another member accept writes; run it in the container of the writer's guard"
    )
    move.add_argument("target", metavar="MEMBER")
    actions.add_parser("leave", help="keep the proxies from this member before it stops; a writer hands over first")
    actions.add_parser("check", help="succeed when the guard of this container answers")
    return parser.parse_args(command_line)


def main(command_line: list[str]) -> int:
    """Run a command; return the exit status."""
    arguments = parse(command_line)
    printing = arguments.command not in ("run", "wait-for-database", "drain", "resume", "cloud-standin")
    # Programs read the standard output of commands that print.
    handler = logging.StreamHandler(sys.stderr if printing else sys.stdout)
    handler.setFormatter(SeverityFormatter("%(letter)s %(asctime)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # The messages of these libraries are of no use to operators.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("asyncmy").setLevel(logging.ERROR)
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # the user of a broken connection logs it
    if arguments.command == "cloud-standin":
        from .rehearsal.command import run_standin

        return run_standin(arguments)
    if arguments.command == "database-guard":
        return asyncio.run(guard_database(arguments))
    try:
        if arguments.command in ("cloud-check", "cloud-setup"):
            return asyncio.run(manage_cloud_account(CloudConfig.from_environment(os.environ), arguments))
        config = NodeConfig.from_environment(os.environ)
    except ConfigurationError as error:
        log.error("not starting: %s", error)
        return 2
    if arguments.command == "run":
        import uvloop  # a tenth more messages per second than asyncio's own event loop

        return uvloop.run(run(config))
    return asyncio.run(maintain(config, arguments))


async def run(config: NodeConfig) -> int:
    """Run the node until it receives a signal. Return the exit status."""
    # Each role imports its own modules, so that no node pays memory for another role.
    if config.role is Role.UPGRADE:
        from .maintenance.database import upgrade_schema

        return await upgrade_schema(config)
    if config.role is Role.MASTER:
        from .master.process import Master

        await Master(config).run()
    elif config.role is Role.WEBAPP:
        from .webapp.process import Webapp

        await Webapp(config).run()
    else:
        from .coreapp.process import Coreapp

        await Coreapp(config).run()
    return 0


def guard_database(arguments: argparse.Namespace) -> Coroutine[object, object, int]:
    """Return the coroutine of `database-guard`, which needs no configuration of a node."""
    from .maintenance import database_guard

    if arguments.action == "move":
        return database_guard.request(f"move {arguments.target}")
    if arguments.action == "leave":
        return database_guard.request("leave")
    return database_guard.check() if arguments.action == "check" else database_guard.run()


def manage_cloud_account(config: CloudConfig, arguments: argparse.Namespace) -> Coroutine[object, object, int]:
    """Return the coroutine of a command about the account at Meta. It needs neither a database nor a running node."""
    from .maintenance import cloud_account

    if arguments.command == "cloud-check":
        return cloud_account.print_state(config, arguments.webhook_url)
    return cloud_account.set_up(config, arguments.webhook_url, arguments.check, not arguments.without_webhook)


def maintain(config: NodeConfig, arguments: argparse.Namespace) -> Coroutine[object, object, int]:
    """Return the coroutine of any command but `run`."""
    if arguments.command in ("drain", "resume"):
        from .maintenance import drain

        if arguments.command == "drain":
            return drain.drain(config, arguments.force, arguments.timeout)
        return drain.resume(config)
    from .maintenance import database

    if arguments.command == "secure-restored":
        return database.secure_restored(config, arguments.epoch, arguments.takeover_delay)
    if arguments.command == "forget-nodes":
        return database.forget_nodes(config, arguments.hostnames, arguments.dry_run)
    commands = {
        "wait-for-database": database.wait_for_database,
        "schema-status": database.print_schema_status,
        "database-info": database.print_info,
    }
    return commands[arguments.command](config)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The client programs of the database server: those in the cluster's database container, or those on this host for another server.

The programs get the password from their environment, never as an argument.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import LABEL_CLUSTER, LABEL_ROLE
from ansible_collections.waba.cluster.plugins.module_utils._internal.database.backup import DUMP_END, DUMP_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers, engine
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io.command import SOCKET
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io import files
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.subprocess_timeout import RunCommand

PASSWORD = "MYSQL_PWD"  # noqa: S105 - the name of the variable


class Flavour(NamedTuple):
    """The client programs of a product, with its options, and its options for TLS with and without an authority."""

    programs: Mapping[str, Sequence[str]]
    verify: str
    trust: str


# TLS is as strict as in the nodes: with an authority, the certificate must contain the host name; without one, TLS is not
# required. Recent programs of MariaDB would require it by default.
FLAVOURS = (
    Flavour(
        {"dump": ("mariadb-dump",), "client": ("mariadb",)},
        verify="--ssl-verify-server-cert",
        trust="--disable-ssl-verify-server-cert",
    ),
    Flavour(
        {"dump": ("mysqldump", "--set-gtid-purged=OFF"), "client": ("mysql",)},
        verify="--ssl-mode=VERIFY_IDENTITY",
        trust="--ssl-mode=PREFERRED",
    ),
)
# Statements must not depend on the modes that a server is configured with.
SESSION = "SET SESSION sql_mode = '', sql_safe_updates = 0"

# The user's ~/.my.cnf and the host's /etc/mysql may change what a program reads and writes. The first argument.
NO_OPTION_FILES = "--no-defaults"
CHARACTER_SET = "--default-character-set=utf8mb4"

SERVER_SOCKET = "/run/mysqld/mysqld.sock"  # in the images of the collection

PASSWORD_VARIABLES = ("MYSQL_PASSWORD", "WA_DB_PASSWORD")  # in mysql.env, and in db.env
USER_VARIABLES = ("MYSQL_USER", "WA_DB_USERNAME")


class DatabaseClient:
    """Access to one database with one account.

    run_command: AnsibleModule.run_command. database: see `argspec.DATABASE_OPTIONS`; without a host it is in a container (its
    inspect answer), by default the cluster's own. Every method raises HostError.
    """

    def __init__(
        self,
        run_command: RunCommand,
        cluster: str,
        database: dict[str, Any],
        container: dict[str, Any] | None = None,
    ) -> None:
        self._run_command, self._database = run_command, database
        self._environment = {PASSWORD: read_password(database), "LC_ALL": "C.UTF-8"}
        self._user = read_user(database)
        if database["host"]:
            self._prefix: list[str] = []
            self._place = f"{database['host']}:{database['port']}"
            tls = {"--ssl-ca": "tls_ca", "--ssl-cert": "tls_certificate", "--ssl-key": "tls_key"}
            certificates = [f"{option}={database[key]}" for option, key in tls.items() if database[key]]
            self._address = [f"--host={database['host']}", f"--port={database['port']}", *certificates]
        else:
            container = container or server_container(cluster)
            self._place = f"the container {container['Name'].lstrip('/')}"
            self._prefix = [
                *("docker", "--host", f"unix://{SOCKET}", "exec", "--interactive", "--env", PASSWORD),
                container["Id"],
            ]
            self._address = ["--host=127.0.0.1", "--port=3306"]

    def dump(self, path: str) -> None:
        """Write a consistent dump to a new gzip file, and verify that it is complete."""
        command = shlex.join([*self._command("dump"), *DUMP_OPTIONS, self._database["name"]])
        self._pipeline("dump", f"{command} | gzip > {shlex.quote(path)}")
        if DUMP_END not in self._pipeline("dump", f"gzip -dc {shlex.quote(path)} | tail -c 200"):
            raise HostError(f"The dump of the database at {self._place} ended early. It was discarded.")

    def load(self, path: str) -> None:
        """Execute the statements of a compressed dump."""
        command = shlex.join([*self._command("client"), CHARACTER_SET, self._database["name"]])
        self._pipeline("load a dump into", f"gzip -dc {shlex.quote(path)} | {command}")

    def rows(self, statements: str, database: str | None = None) -> list[tuple[str, ...]]:
        """Execute SQL and return the rows, all values as text. database: the default database."""
        options = ["--batch", "--skip-column-names", CHARACTER_SET, f"--init-command={SESSION}"]
        status, output, errors = self._run(
            [*self._command("client"), *options, *([database] if database else [])], data=statements
        )
        if status != 0:
            raise HostError(f"The database at {self._place} answered with an error: {_reason(errors)}")
        return [tuple(line.split("\t")) for line in output.splitlines()]

    def _command(self, kind: str) -> list[str]:
        for flavour in FLAVOURS:
            program, *options = flavour.programs[kind]
            if self._has(program):
                tls = flavour.verify if self._database["tls_ca"] else flavour.trust
                account = f"--user={self._user}"
                return [*self._prefix, program, NO_OPTION_FILES, account, *self._address, tls, *options]
        place = self._place if self._prefix else "this host"
        programs = " or ".join(flavour.programs[kind][0] for flavour in FLAVOURS)
        raise HostError(f"{programs} is missing on {place}. Install the Debian package mariadb-client.")

    def _has(self, program: str) -> bool:
        if not self._prefix:
            return shutil.which(program) is not None
        return self._run([*self._prefix, "which", program])[0] == 0

    def _pipeline(self, purpose: str, pipeline: str) -> str:
        """Run a pipeline of bash, and return its output. A failure of any of its commands is an error."""
        status, output, errors = self._run(["/bin/bash", "-c", f"set -o pipefail; {pipeline}"])
        if status != 0:
            raise HostError(f"Cannot {purpose} the database at {self._place}: {_reason(errors)}")
        return output

    def _run(self, command: list[str], data: str | None = None) -> tuple[int, str, str]:
        return self._run_command(
            command, data=data, environ_update=self._environment, expand_user_and_vars=False, errors="replace"
        )


class RootClient(DatabaseClient):
    """Access to the server in the cluster's own container as root, who logs in through the socket without a password."""

    def __init__(self, run_command: RunCommand, cluster: str) -> None:
        super().__init__(run_command, cluster, container_account("root", ""))
        self._address = ["--protocol=socket", f"--socket={SERVER_SOCKET}"]

    def run_in_container(self, command: Sequence[str], data: str | None = None) -> tuple[int, str, str]:
        """Run a command in the container; return its status, its output and its errors. data: its standard input."""
        return self._run_command(
            [*self._prefix, *command],
            data=data,
            binary_data=True,  # without a newline at its end
            environ_update=self._environment,
            expand_user_and_vars=False,
            errors="surrogateescape",
        )


def container_account(user: str, password: str) -> dict[str, Any]:
    """Return the options of an account in the cluster's own container, for `DatabaseClient`."""
    unset = dict.fromkeys(("host", "port", "password_file", "tls_ca", "tls_certificate", "tls_key"))
    return {**unset, "name": "", "user": user, "password": password}


def read_password(database: dict[str, Any]) -> str:
    """Return the password from the options, or from the environment file that they name. Raises HostError."""
    path = database["password_file"]
    if path is None:
        return database["password"]
    found = files.read(path)
    if found is None:
        raise HostError(
            f"{path}, which contains the database password, does not exist. Run the playbook site.yml first."
        )
    variables = dotenv.parsed(found[0])
    passwords = [variables[name] for name in PASSWORD_VARIABLES if name in variables]
    if not passwords:
        raise HostError(f"{path} contains neither {' nor '.join(PASSWORD_VARIABLES)}. Run the playbook site.yml.")
    return passwords[0]


def read_user(database: dict[str, Any]) -> str:
    """Return the account whose password the environment file has, which alternates when it is rotated; that of the options without one. Raises HostError."""
    found = files.read(database["password_file"]) if database["password_file"] else None
    variables = dotenv.parsed(found[0]) if found else {}
    return next((variables[name] for name in USER_VARIABLES if variables.get(name)), str(database["user"]))


def server_container(cluster: str) -> dict[str, Any]:
    """Return the inspect answer of the running database container of a cluster on this host. Raises HostError."""
    labels = (f"{LABEL_CLUSTER}={cluster}", f"{LABEL_ROLE}=mysql")
    found = containers.with_labels(engine.connect(), *labels)
    running = [container for container in found if container["State"]["Status"] == "running"]
    if not running:
        raise HostError(
            f"The database container of the cluster {cluster} is not running on this host. "
            "Start it with the playbook site.yml or start.yml."
        )
    return running[0]


def _reason(errors: str) -> str:
    return errors.strip()[-1000:] or "no reason given"

# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The database server's own client programs: in the cluster's database container, or on this host for a server elsewhere.

The password reaches them by their environment alone.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess

from ansible_collections.waba.cluster.plugins.module_utils.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils.contract import LABEL_CLUSTER, LABEL_ROLE
from ansible_collections.waba.cluster.plugins.module_utils.database.backup import DUMP_END, DUMP_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import engine as docker_engine
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.io import files

CHUNK = 1 << 20
PASSWORD = "MYSQL_PWD"  # noqa: S105 - the variable's name
# MariaDB's programs and MySQL's, the one where they are there. As strict as the nodes: with an authority, the server's certificate must name
# the host; without one, none is asked for (MariaDB's newer programs ask unless they are told not to).
FLAVOURS = (
    {
        "dump": ("mariadb-dump",),
        "client": ("mariadb",),
        "verify": "--ssl-verify-server-cert",
        "trust": "--disable-ssl-verify-server-cert",
    },
    {
        "dump": ("mysqldump", "--set-gtid-purged=OFF"),
        "client": ("mysql",),
        "verify": "--ssl-mode=VERIFY_IDENTITY",
        "trust": "--ssl-mode=PREFERRED",
    },
)

DATABASE_OPTIONS = {
    "type": "dict",
    "required": True,
    "options": {
        "name": {"type": "str", "required": True},
        "user": {"type": "str", "required": True},
        "password": {"type": "str", "no_log": True},
        "password_file": {"type": "path", "no_log": False},  # where it is, not what it is
        "host": {"type": "str"},
        "port": {"type": "int", "default": 3306},
        "tls_ca": {"type": "path"},
        "tls_certificate": {"type": "path"},
        "tls_key": {"type": "path", "no_log": False},  # where the key is, not the key
    },
    "mutually_exclusive": [("password", "password_file")],
    "required_one_of": [("password", "password_file")],
}
PASSWORD_IN_FILE = ("MYSQL_PASSWORD", "WA_DB_PASSWORD")  # of the container's environment file, or the nodes'


class DatabaseClient:
    """One account of one database. database: dict, see DATABASE_OPTIONS; without a host it is the cluster's own container."""

    def __init__(self, cluster, database):
        self._database = database
        self._environment = {**os.environ, PASSWORD: password_of(database), "LC_ALL": "C.UTF-8"}
        if database["host"]:
            self._before, self._place = [], f"{database['host']}:{database['port']}"
            tls = {"--ssl-ca": "tls_ca", "--ssl-cert": "tls_certificate", "--ssl-key": "tls_key"}
            certificates = [f"{option}={database[key]}" for option, key in tls.items() if database[key]]
            self._where = [f"--host={database['host']}", f"--port={database['port']}", *certificates]
        else:
            container = _container(cluster)
            self._place = f"the container {container['Name'].lstrip('/')}"
            self._before = ["docker", "exec", "--interactive", "--env", PASSWORD, container["Id"]]
            self._where = ["--host=127.0.0.1", "--port=3306"]

    def dump(self, path):
        """Write a consistent dump, compressed, to a new file. Raises HostError; a dump that is not whole is an error."""
        command = [*self._command("dump"), *DUMP_OPTIONS, self._database["name"]]
        end = b""
        with gzip.open(path, "wb") as file, self._started(command, stdin=subprocess.DEVNULL) as process:
            while chunk := process.stdout.read(CHUNK):
                file.write(chunk)
                end = (end + chunk)[-200:]
            self._finish(process, "dump")
        if DUMP_END not in end:
            raise HostError(f"The dump of the database at {self._place} ended early. Nothing was kept of it.")

    def load(self, path):
        """Run the statements of a compressed dump. Raises HostError."""
        command = [*self._command("client"), "--default-character-set=utf8mb4", self._database["name"]]
        with gzip.open(path, "rb") as file, self._started(command, stdin=subprocess.PIPE) as process:
            try:
                shutil.copyfileobj(file, process.stdin, CHUNK)
                process.stdin.close()
            except BrokenPipeError:
                pass  # it says why
            self._finish(process, "load a dump into")

    def rows(self, statements, database=None):
        """Run SQL; return the rows (list of tuple of str). database: str, None for none. Raises HostError."""
        command = [*self._command("client"), "--batch", "--skip-column-names", *([database] if database else [])]
        with self._started(command, stdin=subprocess.PIPE) as process:
            output, errors = process.communicate(statements.encode())
        if process.returncode != 0:
            raise HostError(f"The database at {self._place} refused: {_text(errors)}")
        return [tuple(line.split("\t")) for line in output.decode("utf-8", "replace").splitlines()]

    def _command(self, kind):
        for flavour in FLAVOURS:
            program, *own = flavour[kind]
            if self._has(program):
                trust = flavour["verify" if self._database["tls_ca"] else "trust"]
                return [*self._before, program, f"--user={self._database['user']}", *self._where, trust, *own]
        where = self._place if self._before else "this host"
        names = " or ".join(flavour[kind][0] for flavour in FLAVOURS)
        raise HostError(f"{names} is not on {where}. Install the Debian package mariadb-client.")

    def _has(self, program):
        if not self._before:
            return shutil.which(program) is not None
        with self._started([*self._before, "which", program], stdin=subprocess.DEVNULL) as process:
            process.communicate()
        return process.returncode == 0

    def _started(self, command, stdin):
        # The output is a stream, which run_command cannot give.
        return subprocess.Popen(  # noqa: S603  # pylint: disable=ansible-bad-function
            command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self._environment
        )

    def _finish(self, process, doing):
        errors = process.stderr.read()
        if process.wait() != 0:
            raise HostError(f"Could not {doing} the database at {self._place}: {_text(errors)}")


def password_of(database):
    """Return the password (str) that DATABASE_OPTIONS name: itself, or from an environment file. Raises HostError."""
    path = database["password_file"]
    if path is None:
        return database["password"]
    found = files.read(path)
    if found is None:
        raise HostError(f"There is no {path}, which has the database's password. Run the playbook site.yml first.")
    variables = dotenv.parsed(found[0])
    named = [variables[name] for name in PASSWORD_IN_FILE if name in variables]
    if not named:
        raise HostError(f"{path} has neither {' nor '.join(PASSWORD_IN_FILE)}. Run the playbook site.yml.")
    return named[0]


def _container(cluster):
    labels = (f"{LABEL_CLUSTER}={cluster}", f"{LABEL_ROLE}=mysql")
    found = containers.with_labels(docker_engine.connect(), *labels)
    running = [container for container in found if container["State"]["Status"] == "running"]
    if not running:
        raise HostError(
            f"The database container of the cluster {cluster} does not run on this host. Start it with the playbook site.yml or start.yml."
        )
    return running[0]


def _text(errors):
    return errors.decode("utf-8", "replace").strip()[-1000:] or "it did not say why"

"""server.py up|down: start or remove an external database server that requires TLS, with one account for each cluster.

WABA_TEST_DATABASE_IMAGE names another image than that of MariaDB.
"""

from __future__ import annotations

import ipaddress
import secrets
import shutil
import sys
from pathlib import Path
from typing import Any

import docker
import pymysql
import yaml

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests/support"))

from authority import Authority  # noqa: E402
from cryptography import x509  # noqa: E402
from database_server import PRIVILEGES, start_server  # noqa: E402

NAME = "waba-database-server"
FOLDER = Path("/tmp/waba-database")
SETTINGS = yaml.safe_load((HERE / "inventory/group_vars/all/cluster.yml").read_text(encoding="utf-8"))
BLUE = yaml.safe_load((HERE / "vars/blue.yml").read_text(encoding="utf-8"))
ADDRESS = SETTINGS["waba_database_host"], SETTINGS["waba_database_port"]
ACCOUNTS = {  # user -> (privileges, database)
    "waba": (PRIVILEGES, "waba"),
    "blue": (PRIVILEGES, r"blue\_waba"),
    "reader": ("SELECT", "waba"),
}


def up() -> None:
    """Start the server and create its accounts; write the certificates and the passwords to FOLDER."""
    down()
    FOLDER.mkdir(mode=0o700)
    passwords = {name: secrets.token_hex(16) for name in ("root", "password")}
    for name, password in passwords.items():
        (FOLDER / name).write_text(password, encoding="utf-8")
    authority = Authority(FOLDER, "trusted", identified=False)
    Authority(FOLDER, "untrusted")
    address = x509.IPAddress(ipaddress.ip_address(ADDRESS[0]))
    start_server(authority, [address], ADDRESS, {"MYSQL_ROOT_PASSWORD": passwords["root"]}, name=NAME)
    root("SET GLOBAL require_secure_transport = ON")
    for user, (privileges, database) in ACCOUNTS.items():
        root(f"CREATE USER '{user}'@'%' IDENTIFIED BY '{passwords['password']}'")
        root(f"GRANT {privileges} ON `{database}`.* TO '{user}'@'%'")


def root(statement: str) -> tuple[tuple[Any, ...], ...]:
    """Run a statement as root; return the rows."""
    host, port = ADDRESS
    password, ca = (FOLDER / "root").read_text(encoding="utf-8"), str(FOLDER / "trusted-ca.pem")
    with (
        pymysql.connect(host=host, port=port, user="root", password=password, ssl_ca=ca, autocommit=True) as server,
        server.cursor() as cursor,
    ):
        cursor.execute(statement)
        return cursor.fetchall()


def down() -> None:
    """Remove the server with its data, and the second cluster, which a failed test may have left."""
    engine = docker.from_env()
    blue: dict[str, str | list[str] | bool] = {"label": f"waba.cluster.name={BLUE['waba_cluster_name']}"}
    for container in engine.containers.list(all=True, filters={"name": f"^{NAME}$"}):
        container.remove(force=True, v=True)
    for container in engine.containers.list(all=True, filters=blue):
        container.remove(force=True)
    for network in engine.networks.list(filters=blue):
        network.remove()
    for volume in engine.volumes.list(filters=blue):
        volume.remove()
    for folder in (FOLDER, Path(BLUE["waba_dir"])):
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    {"up": up, "down": down}[sys.argv[1]]()

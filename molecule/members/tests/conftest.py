"""The hosts of the scenario: members of the database, nodes, the API and the simulated upstream service."""

from __future__ import annotations

import base64
import json
import shlex
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from api import Api
from authority import Authority
from cryptography import x509
from docker.errors import APIError
from figures import figure
from flow import Flow
from hosts import Hosts
from plays import Result, changed, run_playbook
from waiting import wait_for

LAB = "members"
NODES = ("node1", "node2")
MEMBERS = ("db1", "db2", "db3")
SPARE = "db4"
NUMBER = {"cc": "1", "phone_number": "5550001", "cert": "Y2hhb3M=", "method": "sms"}
CERTIFICATES = "/etc/waba/members"
WHOLE = 180  # seconds for the members to be in step, on a busy machine
ARRIVAL = 120  # seconds
OUTAGE = 60  # seconds until messages are accepted after all members have been lost
SOON = ("-e", "__mysql_formation_time=10")  # the other members stay away in any case
PAUSE = 5  # seconds without an accepted message after the loss of the writer
STATUS = """SELECT LOWER(variable_name), variable_value FROM information_schema.global_status WHERE variable_name IN
    ('wsrep_cluster_status', 'wsrep_local_state_comment', 'wsrep_cluster_size', 'wsrep_cluster_state_uuid', 'wsrep_last_committed')"""
TABLES = "SELECT GROUP_CONCAT(CONCAT('waba.', table_name)) FROM information_schema.tables WHERE table_schema = 'waba'"
WRITER = "SELECT member FROM waba_guard.writer"


class Lab(Hosts):
    """The hosts, the present members of the database, and the playbooks."""

    def __init__(self) -> None:
        super().__init__(LAB)
        self.inventory = self.folder / "site"
        self.members: tuple[str, ...] = ()
        self.arbitrator = ""

    # -- playbooks -----------------------------------------------------------------------------------------------------

    def set_members(self, *names: str, arbitrator: str = "") -> None:
        """Enter the hosts of the database, and of its arbitrator, into the inventory."""
        self.members, self.arbitrator = names, arbitrator
        votes = {"waba_arbitrator": (arbitrator,)} if arbitrator else {}
        groups = {
            "waba_mysql": names,
            **votes,
            **dict.fromkeys(("waba_masters", "waba_coreapps", "waba_webapps"), NODES),
        }
        children = {group: {"hosts": dict.fromkeys(hosts)} for group, hosts in groups.items()}
        content = yaml.safe_dump({"all": {"children": children}})
        (self.inventory / "1-groups.yml").write_text(content, encoding="utf-8")

    def set_options(self, **options: int) -> None:
        """Set options of the database server in the inventory."""
        path = self.inventory / "group_vars/all/options.yml"
        path.write_text(yaml.safe_dump({"waba_mysql_options": options}), encoding="utf-8")

    def play(self, playbook: str, *arguments: str) -> Result:
        return run_playbook(self.inventory, f"playbooks/{playbook}", *arguments)

    # -- hosts ---------------------------------------------------------------------------------------------------------

    def started(self, *names: str) -> dict[str, str]:
        """Return what `Hosts.started` does, by default for the hosts of the cluster."""
        return super().started(*(names or (*self.members, *filter(None, [self.arbitrator]), *NODES)))

    def power_off(self, *names: str) -> None:
        """Kill hosts with everything on them."""
        for name in names:
            self.host(name).kill()

    def power_on(self, *names: str) -> None:
        """Start hosts; their engines start the containers."""
        for name in names:
            self.host(name).start()
        for name in names:
            wait_for(partial(self.has_engine, name), WHOLE, f"the engine of {name} runs")

    def has_engine(self, name: str) -> bool:
        return self.try_run(name, "docker ps -q") is not None

    def try_run(self, name: str, script: str) -> str | None:
        """Return the output of a shell script on a host, None if it fails, or the host is down."""
        try:
            status, output = self.host(name).exec_run(["sh", "-euc", script])
        except APIError:
            return None
        return output.decode() if status == 0 else None

    def write(self, name: str, path: str, content: bytes) -> None:
        """Write a file for root only to a host."""
        text = base64.b64encode(content).decode()
        self.run(name, f"install -d -m 0700 {CERTIFICATES}; umask 077; echo {text} | base64 -d > {path}")

    # -- the database --------------------------------------------------------------------------------------------------

    def sql(self, name: str, statement: str) -> str | None:
        """Return the rows of a statement of the administrator on a member, None if the server does not answer."""
        return self.try_run(name, f"timeout 5 docker exec waba-db-db-1 mariadb -Ne {shlex.quote(statement)}")

    def status(self, name: str) -> dict[str, str]:
        """Return {status variable: value} of a member; {} if it does not answer."""
        return dict(line.split("\t") for line in (self.sql(name, STATUS) or "").splitlines())

    def writer(self) -> str:
        """Return the member that the first member that answers names as the writer."""
        found = (self.sql(name, WRITER) for name in self.members)
        return next((text.strip() for text in found if text), "")

    def is_whole(self) -> bool:
        """Return whether every member is Synced, sees all and the arbitrator, and one of them accepts writes."""
        wanted = {
            "wsrep_cluster_status": "Primary",
            "wsrep_local_state_comment": "Synced",
            "wsrep_cluster_size": str(len(self.members) + bool(self.arbitrator)),
        }
        writer = self.writer()
        return (
            all(wanted.items() <= self.status(name).items() for name in self.members)
            and writer in self.members
            and self.sql(writer, "SELECT @@read_only") == "0\n"
        )

    def is_equal(self) -> bool:
        """Return whether the positions and the tables of all members are equal now."""

        def read(name: str) -> tuple[str | None, ...]:
            tables = (self.sql(name, TABLES) or "").strip()
            return self.status(name).get("wsrep_last_committed"), self.sql(name, f"CHECKSUM TABLE {tables}")

        with ThreadPoolExecutor(len(self.members)) as pool:
            states = set(pool.map(read, self.members))
        return len(states) == 1 and None not in next(iter(states))

    def check_members(self) -> None:
        """Wait until the members are whole and equal. Raises TimeoutError."""
        wait_for(self.is_whole, WHOLE, f"{', '.join(self.members)} are in step")
        wait_for(self.is_equal, WHOLE, "the members have equal positions and tables")

    def health_line(self, name: str) -> str:
        """Return the health line of the coreapp of a host."""
        script = 'exec 3<>/dev/tcp/127.0.0.1/6253; read -r -t 5 line <&3; echo "$line"'
        return self.run(name, f"bash -c {shlex.quote(script)}").strip()

    # -- the API and the upstream service ------------------------------------------------------------------------------

    def api(self, name: str) -> Api:
        return Api(f"https://{self.addresses[name]['ansible_host']}:9090", self.folder / "waba_secrets.yml")

    def upstream(self, path: str = "state") -> dict[str, Any]:
        container = self.engine.containers.get(f"{LAB}-standin")
        address = container.attrs["NetworkSettings"]["Networks"][self.network.name]["IPAddress"]
        answer: dict[str, Any] = requests.get(f"http://{address}:8080/{path}", timeout=10).json()
        return answer

    def register(self) -> None:
        """Register the number, and wait until a message is accepted."""
        api = self.api(NODES[0])

        def is_registered() -> bool:
            status = api.call("POST", "account", NUMBER).status_code
            return status == 201 or (status == 202 and api.call("POST", "account/verify", {"code": "123456"}).ok)

        wait_for(is_registered, ARRIVAL, "the number is registered")
        wait_for(lambda: api.accepts("the first message"), ARRIVAL, "a message is accepted")

    @contextmanager
    def flow(self) -> Iterator[Flow]:
        """Send messages constantly; at the end, each accepted one has arrived."""
        wait_for(lambda: self.api(NODES[0]).accepts("before the test"), ARRIVAL, "a message is accepted")
        with Flow([self.api(name) for name in NODES], list) as flow:
            yield flow
            count = len(flow.accepted)
            wait_for(lambda: len(flow.accepted) > count, ARRIVAL, "messages are accepted at the end")
        figure("flow", f"{flow.summary()}; {len(flow.refused)} refused")
        missing = set(flow.accepted) - self.upstream("received").keys()
        deadline = time.monotonic() + ARRIVAL
        while missing and time.monotonic() < deadline:
            time.sleep(1)
            missing = set(flow.accepted) - self.upstream("received").keys()
        assert not missing, f"{len(missing)} of {len(flow.accepted)} accepted messages have not arrived"


def secrets_file(lab: Lab) -> Path:
    return lab.folder / "waba_secrets.yml"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The hosts, with the certificates of the members."""
    lab = Lab()
    authority = Authority(tmp_path_factory.mktemp("authority"), "members")
    for name in (*MEMBERS, SPARE):
        certificate, key = authority.sign(x509.DNSName(lab.addresses[name]["waba_external_hostname"]))
        for file, source in {"ca.pem": authority.ca, "member.pem": certificate, "member.key": key}.items():
            lab.write(name, f"{CERTIFICATES}/{file}", Path(source).read_bytes())
    return lab


@pytest.fixture(autouse=True)
def account_is_never_banned(lab: Lab) -> Iterator[None]:
    yield
    state = lab.upstream()
    assert state["banned"] is None, json.dumps(state)


__all__ = ["changed"]

# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rotation of secrets, on a model of a cluster whose runs are killed at any point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import rotation
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets.rotation import ROTATABLE
from hypothesis import given
from hypothesis import strategies as st

USER = "waba"
PROGRESS = {"begun": False, "prepared": False, "released": False}


def node_environment(file: dict[str, str]) -> dict[str, str]:
    """Return what a node gets from the variables of the file. tests/project/test_rotation_environment.py compares it with the role common."""

    def second(secret: str) -> str:
        return file.get(rotation.next_name(secret)) or file.get(rotation.previous_name(secret)) or ""

    return {
        "user": file.get(rotation.ACCOUNT) or USER,
        "password": file["waba_database_password"],
        "secret": file["waba_node_secret"],
        "second_secret": second("waba_node_secret"),
        "api_key": file["waba_api_key"],
        "second_api_key": second("waba_api_key"),
        "jwt_key": file["waba_jwt_key"],
        "second_jwt_key": second("waba_jwt_key"),
    }


def database_environment(file: dict[str, str]) -> dict[str, str]:
    return {
        "user": file.get(rotation.ACCOUNT) or USER,
        "password": file["waba_database_password"],
        "root": file["waba_database_root_password"],
    }


class Cluster:
    """A cluster, its secrets file and its database. Every operation of a run is atomic and followed by a `yield`, where the run may be killed."""

    def __init__(self, nodes: int) -> None:
        self.file = {secret: f"{secret}-0" for secret in ROTATABLE}
        self.nodes = [node_environment(self.file) for _node in range(nodes)]
        self.mysql_env = database_environment(self.file)
        self.accounts = {USER: self.file["waba_database_password"]}
        self.root = self.file["waba_database_root_password"]
        self.admin = self.file["waba_admin_password"]
        self.generated = 0

    def write(self, changes: rotation.Changes) -> None:
        """Write the file, atomically."""
        merged = {**self.file, **changes}
        self.file = {name: value for name, value in merged.items() if value is not None}

    def converge(self, order: list[int]) -> Iterator[None]:
        """Bring every node and file that differs to the values of the file, in an order."""
        self.mysql_env = database_environment(self.file)
        yield
        for number in order:
            self.nodes[number] = node_environment(self.file)
            yield

    def stale(self) -> list[str]:
        found = [f"node{number}" for number, one in enumerate(self.nodes) if one != node_environment(self.file)]
        return found + (["mysql.env"] if self.mysql_env != database_environment(self.file) else [])

    def rotate(self, requested: list[str], end_sessions: bool, order: list[int]) -> Iterator[None]:
        """Run rotate_secrets.yml."""
        progress = dict(PROGRESS)
        for _round in range(20):
            step = rotation.next_step(self.file, self.stale(), requested, progress, end_sessions=end_sessions)
            if step.action == "done":
                return
            yield from self.apply(step.action, requested, order)
            progress["begun"] = True
            progress["prepared"] |= step.action == "prepare"
            progress["released"] |= step.action == "release"
        raise AssertionError(f"the rotation does not end: {step}")

    def apply(self, action: str, requested: list[str], order: list[int]) -> Iterator[None]:
        file = self.file
        if action == "begin":
            self.generated += 1
            self.write(rotation.begun(requested, {secret: f"{secret}-{self.generated}" for secret in requested}))
        elif action == "prepare":
            if password := file.get("waba_next_database_password"):
                self.accounts[rotation.other_account(USER, file.get(rotation.ACCOUNT, ""))] = password
                yield
            self.root = file.get("waba_next_database_root_password") or self.root
        elif action == "roll":
            yield from self.converge(order)
        elif action == "advance":
            if password := file.get("waba_next_admin_password"):
                assert self.admin in (password, file["waba_admin_password"])
                self.admin = password
                yield
            self.write(rotation.advanced(file, USER))
        elif action == "release":
            self.accounts.pop(rotation.other_account(USER, file.get(rotation.ACCOUNT, "")), None)
        elif action == "finish":
            self.write(rotation.finished(file))
        elif action == "retire":
            self.write(rotation.retired(file))
        yield

    def check(self) -> None:
        """Fail unless every part of the cluster, and a node that another run starts now, can authenticate to every other part."""
        nodes = [*self.nodes, node_environment(self.file)]
        for one in nodes:
            assert self.accounts.get(one["user"]) == one["password"], "a node cannot log in to the database"
            assert self.file["waba_api_key"] in (one["api_key"], one["second_api_key"]), "a webapp refuses the API key"
            for other in nodes:
                assert one["secret"] in (other["secret"], other["second_secret"]), "a node refuses another one's call"
                assert one["jwt_key"] in (other["jwt_key"], other["second_jwt_key"]), "a webapp refuses a new token"
        assert self.admin in (self.file["waba_admin_password"], self.file.get("waba_next_admin_password"))
        assert self.root in (
            self.file["waba_database_root_password"],
            self.file.get("waba_next_database_root_password"),
        )
        assert self.accounts.get(self.mysql_env["user"], self.mysql_env["password"]) == self.mysql_env["password"]


def run(cluster: Cluster, operations: Iterator[None], killed_after: int | None) -> None:
    """Run until the end, or until a number of operations, and check the cluster after each."""
    cluster.check()
    for count, _operation in enumerate(operations, 1):
        cluster.check()
        if count == killed_after:
            return


SECRETS = st.lists(st.sampled_from(ROTATABLE), unique=True, min_size=1)


@st.composite
def histories(draw: Any) -> tuple[Cluster, list[tuple[Any, ...]]]:
    """Return a cluster and the runs on it: rotations and runs of site.yml, killed anywhere."""
    nodes = draw(st.integers(1, 4))
    orders = st.permutations(range(nodes))
    kill = st.integers(1, 20)
    rotations = st.tuples(st.just("rotate"), SECRETS, st.booleans(), orders, kill)
    sites = st.tuples(st.just("site"), st.just([]), st.just(False), orders, kill)
    return Cluster(nodes), draw(st.lists(st.one_of(rotations, sites), max_size=6))


@given(histories(), SECRETS, st.booleans())
def test_no_killed_run_locks_a_part_of_the_cluster_out_and_the_next_run_converges(
    history: tuple[Cluster, list[tuple[Any, ...]]], secrets: list[str], end_sessions: bool
) -> None:
    cluster, runs = history
    for kind, requested, ending, order, killed_after in runs:
        operations = cluster.rotate(requested, ending, order) if kind == "rotate" else cluster.converge(order)
        run(cluster, operations, killed_after)
    order = list(range(len(cluster.nodes)))
    run(cluster, cluster.rotate(secrets, end_sessions, order), None)
    assert rotation.phase(cluster.file) == rotation.IDLE
    assert cluster.stale() == []
    assert cluster.accounts == {cluster.file.get(rotation.ACCOUNT, USER): cluster.file["waba_database_password"]}, (
        "the former account of the database remains"
    )
    assert cluster.admin == cluster.file["waba_admin_password"]
    assert cluster.root == cluster.file["waba_database_root_password"]
    left = {name for name in rotation.PENDING if cluster.file.get(name)}
    assert left <= (set() if end_sessions else {"waba_previous_jwt_key"})


@given(SECRETS, st.integers(1, 4))
def test_rotation_changes_the_requested_secrets_and_no_other_ones(secrets: list[str], nodes: int) -> None:
    cluster = Cluster(nodes)
    before = dict(cluster.file)
    run(cluster, cluster.rotate(secrets, True, list(range(nodes))), None)
    assert {name for name in ROTATABLE if cluster.file[name] != before[name]} == set(secrets)


@given(SECRETS, st.integers(1, 30))
def test_killed_rotation_that_is_repeated_rotates_once(secrets: list[str], killed_after: int) -> None:
    cluster = Cluster(3)
    run(cluster, cluster.rotate(secrets, False, [0, 1, 2]), killed_after)
    unfinished = rotation.phase(cluster.file) != rotation.IDLE or cluster.stale()
    run(cluster, cluster.rotate(secrets, False, [2, 1, 0]), None)
    assert cluster.generated == (1 if unfinished else 2)


@given(st.lists(SECRETS, min_size=2, max_size=5))
def test_rotations_follow_each_other(rounds: list[list[str]]) -> None:
    cluster = Cluster(2)
    for secrets in rounds:
        run(cluster, cluster.rotate(secrets, False, [0, 1]), None)
    assert cluster.generated == len(rounds)


def actions(cluster: Cluster, secrets: list[str], end_sessions: bool = False) -> list[str]:
    """Return the actions of a rotation in order."""
    found, progress = [], dict(PROGRESS)
    while (
        step := rotation.next_step(cluster.file, cluster.stale(), secrets, progress, end_sessions=end_sessions)
    ).action != "done":
        found.append(step.action)
        for _operation in cluster.apply(step.action, secrets, [0]):
            pass
        progress = {
            "begun": True,
            "prepared": "prepare" in found,
            "released": "release" in found,
        }
    return found


@pytest.mark.parametrize(
    ("secrets", "expected"),
    [
        (["waba_node_secret"], "begin roll advance roll finish roll"),
        (["waba_api_key"], "begin roll advance roll finish roll"),
        (["waba_jwt_key"], "begin roll advance roll"),
        (["waba_database_password"], "begin prepare advance roll release finish"),
        (["waba_database_root_password"], "begin prepare advance roll finish"),
        (["waba_admin_password"], "begin advance"),
        (list(ROTATABLE), "begin prepare roll advance roll release finish roll"),
    ],
)
def test_nodes_are_replaced_no_more_often_than_needed(secrets: list[str], expected: str) -> None:
    assert " ".join(actions(Cluster(1), secrets)) == expected


def test_sessions_survive_a_rotation_until_they_are_ended() -> None:
    cluster = Cluster(1)
    actions(cluster, ["waba_jwt_key"])
    assert cluster.nodes[0]["second_jwt_key"] == "waba_jwt_key-0"
    assert actions(cluster, [], end_sessions=True) == ["retire", "roll"]
    assert cluster.nodes[0]["second_jwt_key"] == ""


def test_run_that_continues_a_rotation_begins_no_other_one() -> None:
    cluster = Cluster(1)
    cluster.write({"waba_next_api_key": "next"})
    progress = {**PROGRESS, "begun": True}
    while (step := rotation.next_step(cluster.file, cluster.stale(), ["waba_api_key"], progress)).action != "done":
        assert step.action != "begin"
        for _operation in cluster.apply(step.action, [], [0]):
            pass
    assert cluster.file["waba_api_key"] == "next"


@given(SECRETS)
def test_previous_values_are_accepted_until_the_rotation_may_finish(secrets: list[str]) -> None:
    cluster, progress = Cluster(1), dict(PROGRESS)
    while (step := rotation.next_step(cluster.file, cluster.stale(), secrets, progress, finish=False)).action != "done":
        assert step.action not in ("release", "finish")
        progress = {"begun": True, "prepared": progress["prepared"] or step.action == "prepare", "released": False}
        for _operation in cluster.apply(step.action, secrets, [0]):
            cluster.check()
    stored = {rotation.previous_name(secret) for secret in secrets} & set(rotation.PENDING)
    assert {name for name in rotation.PENDING if cluster.file.get(name)} == stored
    run(cluster, cluster.rotate([], False, [0]), None)
    assert rotation.phase(cluster.file) == rotation.IDLE


def test_accounts_of_the_database_alternate() -> None:
    assert rotation.other_account("waba", "") == "waba_2"
    assert rotation.other_account("waba", "waba") == "waba_2"
    assert rotation.other_account("waba", "waba_2") == "waba"


OWN = {"external": False}
IMAGES = ("waba/node:v1.0.0",)


@pytest.mark.parametrize(
    ("secret", "database", "user", "images", "problem"),
    [
        ("waba_cloud_token", OWN, USER, IMAGES, "it is not a secret that can be rotated"),
        ("node_secret", OWN, USER, IMAGES, "it is not a secret that can be rotated"),
        ("waba_node_secret", OWN, USER, ("docker.whatsapp.biz/coreapp:v2.57",), "the vendor's images accept one value"),
        ("waba_database_password", {**OWN, "external": True}, USER, IMAGES, "the cluster does not run its database"),
        ("waba_database_password", OWN, "u" * 31, IMAGES, "would have more than 32 characters"),
    ],
)
def test_secret_that_cannot_be_rotated_is_refused(
    secret: str, database: dict[str, Any], user: str, images: tuple[str, ...], problem: str
) -> None:
    (found,) = rotation.request_problems([secret], database, user, images)
    assert problem in found.problem


def test_every_secret_of_an_own_cluster_can_be_rotated() -> None:
    assert rotation.request_problems(ROTATABLE, OWN, USER, IMAGES) == []
    vendor = ["waba_database_password", "waba_admin_password"]
    assert rotation.request_problems(vendor, OWN, USER, ("docker.whatsapp.biz/web:v2.57",)) == []

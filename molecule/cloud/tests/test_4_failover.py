"""Every kind of node and the database fail under constant traffic while the stand-in loses answers on purpose.

The stand-in counts: no accepted message is forgotten, none is sent twice, and every one of unknown outcome is reported to the application.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest
import requests
from balancer import Balancer
from cloud_traffic import MAYBE_SENT, Traffic
from conftest import SETTINGS, WEBHOOK_URL, Api, Cluster, Receiver, Standin, verify_token, wait_for
from figures import figure

ANSWERED, LOST, SILENT, EARLY = "1555", "1556", "1557", "1558"  # beginnings of recipients, see `unreliable`
HEARTBEAT, UNHEALTHY = 1, 3  # seconds
DEFAULT_UNHEALTHY = 30  # seconds
DOWN = 10.0  # seconds for which a node stays away; longer than the failure detector takes
GRACE = 60.0  # seconds; waba_cloud_grace by default


@pytest.fixture
def unreliable(standin: Standin) -> Iterator[None]:
    """A service that loses answers.

    To recipients of the kind LOST every second answer is lost, and the statuses arrive. To SILENT every answer is lost, and no status arrives.
    To EARLY the statuses arrive before the answer.
    """
    standin.post("behaviour", {"latency": 0.3, "outcomes": [{"to": SILENT, "statuses": []}]})
    faults = [
        {"kind": "lose_answer", "to": LOST, "every": 2, "times": -1},
        {"kind": "lose_answer", "to": SILENT, "times": -1},
        {"kind": "status_first", "to": EARLY, "times": -1},
    ]
    standin.post("faults", faults)
    yield
    standin.clear_faults()
    standin.post("behaviour", {"latency": 0, "outcomes": []})


@pytest.fixture
def balancer(standin: Standin) -> Iterator[Balancer]:
    """A load balancer before the listeners of both webapps, to which the webhook of the number leads."""
    first, token = int(SETTINGS["waba_cloud_webhook_port"]), SETTINGS["waba_cloud_token"]
    address = SETTINGS["rehearsal_address"]
    made = Balancer(address, [f"http://{address}:{first + number}" for number in range(2)])
    standin.set_webhook(made.url, token, verify_token())
    yield made
    standin.set_webhook(WEBHOOK_URL, token, verify_token())
    made.close()


@pytest.fixture
def fast_detection(apis: list[Api]) -> None:
    """Short intervals. They take full effect once the last renewal under the default ones has expired."""
    intervals = {"heartbeat_interval": HEARTBEAT, "unhealthy_interval": UNHEALTHY}
    assert apis[0].call("PATCH", "settings/application", intervals).status_code == 200
    time.sleep(DEFAULT_UNHEALTHY)


def instance(cluster: Cluster, apis: list[Api], **wanted: str) -> str:
    """Return the instance of the node whose health entry has the wanted values."""
    found: list[str] = []

    def is_known() -> bool:
        for api in apis:
            with contextlib.suppress(requests.RequestException):
                found[:] = api.nodes(**wanted)
                return len(found) == 1
        return False

    wait_for(is_known, 120, f"there is one node with {wanted}")
    (container,) = [one for one in cluster.containers() if str(one.id).startswith(found[0])]
    return str(container.labels["waba.cluster.instance"])


def fail(cluster: Cluster, name: str) -> None:
    """Kill a container, and start it again a little later, as the engine or an operator does."""
    cluster.container(name).kill()
    time.sleep(DOWN)
    cluster.container(name).start()


@pytest.mark.usefixtures("unreliable", "fast_detection")
def test_no_message_is_forgotten_or_sent_twice_when_nodes_and_the_database_fail(
    cluster: Cluster, apis: list[Api], standin: Standin, receiver: Receiver, balancer: Balancer
) -> None:
    def recovered() -> bool:
        return all(api.is_healthy() for api in apis)

    first, second = balancer.listeners
    with Traffic(apis, standin, receiver, (ANSWERED, LOST, SILENT, EARLY)) as traffic:
        for kind, victim in (
            ("connected coreapp", lambda: instance(cluster, apis, role="coreapp", gateway_status="connected")),
            ("primary master", lambda: instance(cluster, apis, role="primary_master")),
            ("webapp", lambda: "waweb1"),
            ("database", lambda: "db"),
        ):
            time.sleep(5)
            name, served = victim(), balancer.served.copy()
            fail(cluster, name)
            seconds = wait_for(recovered, 180, f"the cluster recovers after {name} was killed")
            figure(f"{kind} ({name}) killed for {DOWN:.0f} s", f"healthy {seconds:.1f} s after its start")
            if kind == "webapp":
                assert balancer.served[second] > served[second], "the other webapp receives meanwhile"
        time.sleep(5)
        assert balancer.served[first] > 0
    outcome = traffic.settle(GRACE + 180)
    figure("failover with lost answers", traffic.summary())

    posted = traffic.posted()
    assert traffic.forgotten() == set(), "a message was forgotten"
    assert set(posted.values()) == {1}, "a message was sent twice"
    failed = outcome.with_status("failed")
    assert set(traffic.accepted) - set(posted) <= failed, "the application learns of every message that was not sent"
    assert traffic.of_kind(SILENT) <= failed, "the application learns of every message of unknown outcome"
    assert {outcome.codes[message] for message in failed} == {MAYBE_SENT}
    others = set(traffic.accepted) - traffic.of_kind(SILENT) - failed
    assert others <= outcome.with_status("delivered")
    assert len(others & traffic.of_kind(LOST)) > 0.8 * len(traffic.of_kind(LOST)), "a status resolves a lost answer"
    assert traffic.lost() == set(), "a text of a user was lost"
    assert traffic.doubled() == set(), "a text of a user counts for two"

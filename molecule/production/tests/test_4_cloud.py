"""The cluster moves to the Cloud API and back; one of the two hosts that receive its webhooks is lost in between. Runs with WABA_LAB_CLOUD=1."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from balancer import Balancer
from cloud_traffic import Traffic
from conftest import COREAPPS, HOSTS, LAB, Api, Lab, changed, play, wait_for, webapp
from figures import figure
from receiver import Receiver
from standin import Standin

pytestmark = pytest.mark.skipif(not os.environ.get("WABA_LAB_CLOUD"), reason="runs with WABA_LAB_CLOUD=1")

SITE = "playbooks/site.yml"
NUMBER, ACCOUNT = "700000000000001", "800000000000001"
TOKEN, SECRET = "token-of-the-lab", "secret-of-the-lab"
STANDIN_PORT, WEBHOOK_PORT = 6290, 9290
WEBAPPS = ("webapp1", "webapp2")


@pytest.fixture(scope="module")
def standin(lab: Lab) -> Iterator[Standin]:
    """The stand-in in a container of the lab's network, without the limit for messages to one user."""
    container = lab.engine.containers.run(
        "waba/node:v1.0.0",
        ["python3", "-m", "waba_node", "cloud-standin", "--port", str(STANDIN_PORT), "--any-webhook"],
        name=f"{LAB}-standin",
        network=lab.network.name,
        environment={
            "WABA_CLOUD_TOKEN": TOKEN,
            "WABA_CLOUD_APP_SECRETS": SECRET,
            "WABA_CLOUD_PHONE_NUMBER_ID": NUMBER,
            "WABA_CLOUD_WABA_ID": ACCOUNT,
        },
        healthcheck={"test": ["NONE"]},
        detach=True,
    )
    container.reload()
    address = container.attrs["NetworkSettings"]["Networks"][lab.network.name]["IPAddress"]
    standin = Standin(f"http://{address}:{STANDIN_PORT}", NUMBER)
    wait_for(standin.state, 60, "the stand-in answers")
    standin.post("behaviour", {"pair_interval": 0})
    yield standin
    container.remove(force=True)


@pytest.fixture(scope="module")
def balancer(lab: Lab) -> Iterator[Balancer]:
    made = Balancer(lab.gateway(), [f"http://{HOSTS[name]['ansible_host']}:{WEBHOOK_PORT}" for name in WEBAPPS])
    yield made
    made.close()


@pytest.fixture(scope="module")
def cloud(
    lab: Lab, api: Api, standin: Standin, balancer: Balancer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The cluster with the Cloud API as its upstream, until the tests of this file end."""
    settings = {
        "waba_upstream": "cloud",
        "waba_cloud_base_url": standin.url,
        "waba_cloud_phone_number_id": NUMBER,
        "waba_cloud_waba_id": ACCOUNT,
        "waba_cloud_token": TOKEN,
        "waba_cloud_app_secret": SECRET,
        "waba_cloud_pin": "123456",
        "waba_cloud_webhook_url": balancer.url,
    }
    given: Path = tmp_path_factory.mktemp("cloud") / "settings.yml"
    given.write_text(yaml.safe_dump(settings), encoding="utf-8")
    assert changed(play(SITE, "-e", f"@{given}")) > 0
    wait_for(lambda: api.is_healthy(COREAPPS), 180, "the cluster is connected to the Cloud API")
    yield
    assert changed(play(SITE)) > 0
    wait_for(lambda: api.is_healthy(COREAPPS), 180, "the cluster is back on loopback")
    assert lab.stopped() == []


@pytest.mark.usefixtures("cloud", "healthy")
def test_nothing_is_lost_or_doubled_when_a_webhook_receiver_is_lost(
    lab: Lab, api: Api, standin: Standin, balancer: Balancer, tmp_path: Path
) -> None:
    receiver = Receiver(tmp_path, lab.gateway())
    assert api.call("PATCH", "settings/application", {"webhooks": {"url": receiver.url}}).status_code == 200
    apis = [webapp(name) for name in WEBAPPS]
    first, second = balancer.listeners
    with Traffic(apis, standin, receiver) as traffic:
        time.sleep(5)
        served = balancer.served.copy()
        lab.host(WEBAPPS[0]).kill()
        time.sleep(20)
        assert balancer.served[second] > served[second], "the other host receives meanwhile"
        lab.host(WEBAPPS[0]).start()
        wait_for(lambda: apis[0].is_healthy(COREAPPS), 180, "the host's containers are back")
        served = balancer.served.copy()
        wait_for(lambda: balancer.served[first] > served[first], 60, "the host receives again")
    traffic.settle(180)
    figure("a host that receives webhooks lost for 20 s", traffic.summary())
    assert traffic.refused == []
    assert traffic.forgotten() == set(), "messages were lost"
    assert set(traffic.posted().values()) == {1}, "a message was sent twice"
    assert traffic.lost() == set(), "texts of users were lost"
    assert traffic.doubled() == set(), "a text of a user counts for two"
    receiver.server.shutdown()

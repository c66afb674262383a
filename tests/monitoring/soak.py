"""`make soak-alerts`: a cluster of processes under light traffic, scraped by a Prometheus with the alerts of the role.

After half of the time, the connected coreapp is killed, and started again later. The soak fails if an alert fires that
the failover does not explain, or if no alert reports the failover.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click
import yaml
from api import Api
from flow import Flow
from receiver import Receiver
from scraped_cluster import (
    API_KEY,
    OF_THE_MACHINE,
    PASSWORD,
    PATIENCE,
    TARGETS,
    Client,
    Cluster,
    Prometheus,
    admin_session,
    connected_coreapp,
    running_cluster,
    running_prometheus,
)
from support import ROOT, rules
from verdict import Failover, Span, not_judged, problem_of, problems, spans
from waiting import wait_for

sys.path.insert(0, str(ROOT / "tests"))

from environments import BUILD, prometheus_binaries

FOLDER = BUILD / "soak-alerts"
# Long enough for the alerts about a lost coreapp, and over before the report of the failover ends after ten minutes.
OUTAGE = 360.0  # seconds


class LightTraffic(Flow):
    """Two messages and one other call a second."""

    PAUSE = 1.0


@dataclass
class Soak:
    """half: seconds before the kill, and after it."""

    cluster: Cluster
    admin: Client
    prometheus: Prometheus
    traffic: Flow
    half: float

    def run(self) -> tuple[list[Span], Failover]:
        """Return the history of the alerts, and the failover."""
        began = time.time()
        self.wait(began, began + self.half)
        victim, successor = connected_coreapp(self.admin)
        name = victim.split(":")[1]
        failover = Failover(time.time(), successor)
        self.cluster.nodes[name].stop(signal.SIGKILL)
        click.echo(f"{clock(failover.moment)}  killed {victim}, which was connected")
        self.wait(began, failover.moment + min(OUTAGE, self.half / 2))
        self.cluster.start_node(name)
        click.echo(f"{clock(time.time())}  started {victim} again")
        self.wait(began, began + 2 * self.half)
        step = max(1.0, 2 * self.half / 10_000)  # Prometheus answers with 11,000 points of a series at most
        history = spans(self.prometheus.history("ALERTS", began, time.time(), step), step)
        return [span for span in history if span.alert != OF_THE_MACHINE], failover

    def wait(self, began: float, until: float) -> None:
        """Print the progress every half minute until a moment."""
        while (now := time.time()) < until:
            states = self.prometheus.query("count by (alertname, alertstate) (ALERTS)")
            alerts = sorted(f"{one['metric']['alertname']} {one['metric']['alertstate']}" for one in states)
            click.echo(
                f"{clock(now)}  {(now - began) / 60:.1f} of {self.half / 30:.0f} minutes: "
                f"{len(self.traffic.accepted)} messages accepted, {len(self.traffic.refused)} calls refused; "
                f"alerts: {', '.join(alerts) or 'none'}"
            )
            time.sleep(min(30, until - now))


def clock(moment: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(moment))


def table(history: list[Span], failover: Failover) -> list[str]:
    """Return a line for each span, with whether it names the failover."""
    rows = [("alert", "state", "from", "to", "names the failover", "labels")]
    for span in history:
        no = "no, fires beside its alert" if span.state == "firing" else "-"
        named = "yes" if failover.is_reported_by(span) else problem_of(span, history, failover) or no
        labels = ", ".join(f"{name}={value}" for name, value in sorted(span.labels.items()) if name != "cluster")
        rows.append((span.alert, span.state, clock(span.start), clock(span.end), named, labels))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def apis(cluster: Cluster) -> list[Api]:
    file = cluster.folder / "secrets.yml"
    content = {"waba_admin_password": PASSWORD, "waba_api_key": API_KEY}
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return [Api(url, file) for url in cluster.urls]


def is_scraped(prometheus: Prometheus) -> bool:
    """Return whether every target answers, and no alert reports the start of the cluster as a failover any more."""
    complete = len(prometheus.query("up == 1")) == TARGETS
    return complete and not any("Failover" in alert for alert in prometheus.firing())


def new_folder(name: str) -> Path:
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    (FOLDER / name).mkdir(parents=True)
    return FOLDER / name


@click.command(help=__doc__)
@click.option("--minutes", type=click.IntRange(5), default=60, show_default=True, help="Length of the soak.")
def main(minutes: int) -> None:
    os.environ["PATH"] = f"{prometheus_binaries()}:{os.environ['PATH']}"
    click.echo(f"Starting the cluster and Prometheus; logs and time series are in {FOLDER}")
    with running_cluster(new_folder("cluster")) as cluster:
        admin = admin_session(cluster)
        receiver = Receiver(FOLDER, "127.0.0.1")
        assert admin.call("PATCH", "/v1/settings/application", {"webhooks": {"url": receiver.url}}).status_code == 200
        with running_prometheus(new_folder("prometheus"), cluster) as prometheus:
            wait_for(lambda: is_scraped(prometheus), PATIENCE + 600, "every target is scraped")
            with LightTraffic(apis(cluster), list) as traffic:
                history, failover = Soak(cluster, admin, prometheus, traffic, 30.0 * minutes).run()
    click.echo("\n" + "\n".join(table(history, failover)) + "\n")
    click.echo(f"Not judged, it depends on the disks of this machine: {OF_THE_MACHINE}")
    for alert in not_judged(rules(), 30 * minutes):
        click.echo(f"Not judged, it cannot fire within half of {minutes} minutes: {alert}")
    found = problems(history, failover)
    for problem in found:
        click.echo(f"FAILED: {problem}")
    if not found:
        click.echo("PASSED: an alert reports the failover, and no other alert fired without it")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()

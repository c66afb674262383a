# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One Compose project on one host: look, decide by the planner, let Compose act, wait."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils import contract
from ansible_collections.waba.cluster.plugins.module_utils.compose import convergence, services
from ansible_collections.waba.cluster.plugins.module_utils.compose.io import live_bind_mounts as binds
from ansible_collections.waba.cluster.plugins.module_utils.compose.io.readiness_wait import wait_until_ready
from ansible_collections.waba.cluster.plugins.module_utils.contract import LABEL_CLUSTER, LABEL_INSTANCE, LABEL_ROLE
from ansible_collections.waba.cluster.plugins.module_utils.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils.secrets import redaction as secrecy

LOG_LINES = 20


class Project:
    """The services of a Compose file and the host's containers of them.

    client: docker.DockerClient. compose: compose.io.command.Compose; may be None for a project that is only compared, whose `definition` is then given as
    `compose.resolved` returns it.
    """

    def __init__(self, client: Any, compose: Any, selected: Sequence[str] | None, definition: Any = None) -> None:
        self._client, self._compose = client, compose
        self._definition = definition or compose.definition()
        self.name = self._definition["name"]
        self.images = {name: service["image"] for name, service in self._definition.get("services", {}).items()}
        unknown = sorted(set(selected or ()) - set(self.images))
        if unknown:
            there = ", ".join(self.images)
            raise HostError(
                f"services names {', '.join(unknown)}, but the file has only {there}. Fix services, or write the file anew."
            )
        self.selected = list(self.images) if selected is None else selected
        self._only = selected
        self.image_facts = containers.image_facts(client, self.images.values())
        self.wanted = services.wanted_services(self._definition, self.image_facts)
        self.had = self._containers()
        self.strays = self._strays()

    def actions(self, state: str) -> list[Any]:
        """Return what has to be done (list of planner Action). state: "present" or "stopped"."""
        plan = convergence.plan_present if state == "present" else convergence.plan_stopped
        return plan(self.wanted, self.had, self._only, self.strays)

    def missing_images(self, actions: Sequence[Any]) -> list[str]:
        """Return the names of images that the actions need and the host lacks."""
        return convergence.missing_images(actions, self.images, self.image_facts)

    def carry_out(self, actions: Sequence[Any], stop_timeout: int | None, drain_timeout: float = 0) -> list[str]:
        """Let Compose do the actions. Raises HostError.

        drain_timeout: seconds for a node to get out of service before it is stopped or replaced, 0 to do without. Returns what went wrong with that
        (list of str): a node that stops hands over by itself too, so it is no reason to leave off.
        """
        doubts, drained = self._drain(actions, drain_timeout) if drain_timeout else ([], [])
        try:
            self._carry_out(actions, stop_timeout)
        except HostError:
            for container in drained:  # those that still run go on working
                containers.execute(self._client, container, contract.RESUME)
            raise
        return doubts

    def _drain(self, actions: Sequence[Any], timeout: float) -> tuple[list[str], list[str]]:
        doubts, drained = [], []
        for service, action, _reason in actions:
            affected = {
                "discard": self.strays.get(service, []),
                "stop": [*self.had.get(service, []), *self.strays.get(service, [])],
                "recreate": self.had.get(service, []),
                "remove": self.had.get(service, []),
            }
            for container in (one for one in affected.get(action, []) if one["state"] == "running"):
                status, said = containers.execute(self._client, container["id"], [*contract.DRAIN, str(timeout)])
                drained.append(container["id"])
                if status != 0:
                    doubts.append(
                        f"{service} could not be taken out of service first: {(said.splitlines() or ['no answer'])[-1]}"
                    )
        return doubts, drained

    def _carry_out(self, actions: Sequence[Any], stop_timeout: int | None) -> None:
        by_kind: dict[str, list[str]] = {}
        for service, action, _reason in actions:
            by_kind.setdefault(action, []).append(service)
        for service in dict.fromkeys(by_kind.get("discard", [])):
            for container in self.strays[service]:
                containers.remove(self._client, container["inspected"])
        for service in by_kind.get("remove", []):
            for container in self.had[service]:
                containers.remove(self._client, container["inspected"])
        for service in by_kind.get("rename", []):
            containers.rename(self._client, self.had[service][0]["id"], self.had[service][0]["compose_name"])
        if "stop" in by_kind:
            for container in (one for service in by_kind["stop"] for one in self.strays.get(service, [])):
                containers.stop(self._client, container["inspected"], stop_timeout)
            self._compose.stop(by_kind["stop"], stop_timeout)
        if "unpause" in by_kind:
            self._compose.unpause(by_kind["unpause"])
        if "recreate" in by_kind:
            self._compose.up(by_kind["recreate"], recreate=True)
        to_start = [*by_kind.get("create", []), *by_kind.get("start", [])]
        if to_start:
            self._compose.up(to_start, recreate=False)

    def wait(self, timeout: float) -> Any:
        """Wait until the selected services are ready. Raises HostError with the last observation and the last log lines of the others."""
        unready = wait_until_ready(self._observations, timeout)
        if unready:
            parts = [self._case(service, text) for service, text in unready.items()]
            raise HostError("\n\n".join([f"Not ready: {', '.join(unready)}.", *parts]))

    def summary(self) -> list[dict[str, Any]]:
        """Return the selected services' containers as they are now, as a list of dict for people and plays."""
        rows = []
        for service, found in self._containers().items():
            if service not in self.selected:
                continue
            for container in found:
                seen = containers.observation(container["inspected"]) or {}
                rows.append(
                    {
                        "name": container["inspected"]["Name"].lstrip("/"),
                        "service": service,
                        "role": container["aspects"]["labels"].get(LABEL_ROLE, ""),
                        "id": container["id"],
                        "state": seen["status"],
                        "health": seen["health"] or "",
                        "ports": sorted(int(port) for _target, _address, port in container["aspects"]["ports"]),
                    }
                )
        return rows

    def secrets(self) -> Any:
        """Return the values (set of str) that no message may hold."""
        found = set()
        for service in self.wanted.values():
            found |= secrecy.secret_values(service["environment"])
        return found

    def _containers(self) -> dict[str, Any]:
        live = containers.network_ids(self._client)
        found: dict[str, list[Any]] = {}
        for container in containers.with_labels(self._client, f"{containers.PROJECT_LABEL}={self.name}"):
            labels = container["Config"]["Labels"]
            if LABEL_CLUSTER not in labels:
                raise HostError(
                    f"The container {container['Name'].lstrip('/')} belongs to a Compose project {self.name} that is not ours. "
                    "Remove that project, or set another cluster_name (waba_cluster_name)."
                )
            found.setdefault(labels[containers.SERVICE_LABEL], []).append(
                {
                    "id": container["Id"],
                    "name": container["Name"].lstrip("/"),
                    "compose_name": containers.compose_name(container),
                    "state": container["State"]["Status"],
                    "image": container["Config"]["Image"],
                    "aspects": services.had_aspects(container, live),
                    "binds_elsewhere": binds.elsewhere(container),
                    "inspected": container,
                }
            )
        return dict(sorted(found.items(), key=lambda item: self._position(item[0])))

    def _strays(self) -> dict[str, Any]:
        """Return {service: containers} of the cluster that another Compose project made, for the roles of this file.

        A COMPOSE_PROJECT_NAME in the environment of a `docker compose` makes such containers. They use the volumes of the file's own.
        """
        labels = [service["labels"] for service in self.wanted.values() if LABEL_CLUSTER in service["labels"]]
        roles = {one.get(LABEL_ROLE) for one in labels}
        found: dict[str, list[Any]] = {}
        for cluster in sorted({one[LABEL_CLUSTER] for one in labels}):
            for container in containers.with_labels(self._client, f"{LABEL_CLUSTER}={cluster}"):
                own = container["Config"]["Labels"]
                if own.get(containers.PROJECT_LABEL) != self.name and own.get(LABEL_ROLE) in roles:
                    found.setdefault(own.get(LABEL_INSTANCE, ""), []).append(
                        {
                            "id": container["Id"],
                            "name": container["Name"].lstrip("/"),
                            "project": own.get(containers.PROJECT_LABEL, ""),
                            "role": own[LABEL_ROLE],
                            "state": container["State"]["Status"],
                            "inspected": container,
                        }
                    )
        return found

    def _position(self, service: str) -> int:
        order = list(self.images)
        return order.index(service) if service in order else len(order)

    def _observations(self) -> dict[str, Any]:
        found = {
            container["Config"]["Labels"][containers.SERVICE_LABEL]: container
            for container in containers.with_labels(self._client, f"{containers.PROJECT_LABEL}={self.name}")
        }
        return {service: containers.current_observation(self._client, found.get(service)) for service in self.selected}

    def _case(self, service: str, text: str) -> str:
        found = self._containers().get(service, [])
        lines = containers.last_lines(self._client, found[0]["id"], LOG_LINES) if found else []
        shown = secrecy.redacted("\n".join(f"    {line}" for line in lines), self.secrets())
        return f"{service}: {text}.\n" + (f"  Last lines of its log:\n{shown}" if lines else "  It logged nothing.")


def predicted(file: str, selected: Sequence[str] | None, why: str) -> Any:
    """Return the planner's actions when nothing can be asked yet: every selected service would be created."""
    names = selected or []
    return [convergence.Action(name, "create", f"{why} ({os.path.basename(file)})") for name in names]

# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One Compose project on one host: observe its containers, plan the actions, apply them with Compose, and wait."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import convergence, services
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io import live_bind_mounts
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io.readiness_wait import wait_until_ready
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import (
    LABEL_CLUSTER,
    LABEL_INSTANCE,
    LABEL_ROLE,
)
from ansible_collections.waba.cluster.plugins.module_utils._internal.docker.io import containers
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import redaction

if TYPE_CHECKING:
    from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.io.command import Compose
    from docker import DockerClient

LOG_LINES = 20


class Project:
    """The services of a Compose file and their containers on the host.

    compose: None for a project that is only compared, not changed; its `definition` is then as from `compose.resolved`. selected: services, None for
    all. Raises HostError, also if a selected service is not in the file.
    """

    def __init__(
        self,
        client: DockerClient,
        compose: Compose | None,
        selected: Sequence[str] | None,
        definition: Mapping[str, Any] | None = None,
    ) -> None:
        self._client, self._compose = client, compose
        self._definition: Mapping[str, Any] = compose.definition() if compose else definition or {}
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
        self.existing = self._containers()
        self.strays = self._strays()

    def actions(self, state: str) -> list[convergence.Action]:
        """Return the planned actions. state: "present" or "stopped"."""
        plan = convergence.plan_present if state == "present" else convergence.plan_stopped
        return plan(self.wanted, self.existing, self._only, self.strays)

    def missing_images(self, actions: Iterable[convergence.Action]) -> list[str]:
        """Return the names of the images that the actions need and the host lacks."""
        return convergence.missing_images(actions, self.images, self.image_facts)

    def apply(
        self, actions: Sequence[convergence.Action], stop_timeout: int | None, drain_timeout: int = 0
    ) -> list[str]:
        """Drain the affected nodes and apply the actions; return a warning for every node that could not be drained. Raises HostError.

        stop_timeout: seconds before a container is killed, None for the file's value. drain_timeout: seconds for each node to drain before it is
        stopped or replaced, 0 to skip draining. A node also hands over when it stops, so a failed drain does not prevent the actions.
        """
        if self._compose is None:
            raise ValueError("a project without Compose is read-only")
        warnings, drained = self._drain(actions, drain_timeout) if drain_timeout else ([], [])
        try:
            self._apply(self._compose, actions, stop_timeout)
        except HostError:
            for container in drained:  # the ones that still run resume their service
                containers.execute(self._client, container, contract.RESUME)
            raise
        return warnings

    def _drain(self, actions: Iterable[convergence.Action], timeout: int) -> tuple[list[str], list[str]]:
        """Return (warnings, ids of the drained containers)."""
        warnings, drained = [], []
        for service, action, _reason in actions:
            affected = {
                "discard": self.strays.get(service, []),
                "stop": [*self.existing.get(service, []), *self.strays.get(service, [])],
                "recreate": self.existing.get(service, []),
                "remove": self.existing.get(service, []),
            }
            for container in (one for one in affected.get(action, []) if one["state"] == "running"):
                status, output = containers.execute(self._client, container["id"], [*contract.DRAIN, str(timeout)])
                drained.append(container["id"])
                if status != 0:
                    warnings.append(
                        f"{service} could not be taken out of service first: {(output.splitlines() or ['no answer'])[-1]}"
                    )
        return warnings, drained

    def _apply(self, compose: Compose, actions: Iterable[convergence.Action], stop_timeout: int | None) -> None:
        by_kind: dict[str, list[str]] = {}
        for service, action, _reason in actions:
            by_kind.setdefault(action, []).append(service)
        for service in dict.fromkeys(by_kind.get("discard", [])):
            for container in self.strays[service]:
                containers.remove(self._client, container["inspected"])
        for service in by_kind.get("remove", []):
            for container in self.existing[service]:
                containers.remove(self._client, container["inspected"])
        for service in by_kind.get("rename", []):
            containers.rename(self._client, self.existing[service][0]["id"], self.existing[service][0]["compose_name"])
        if "stop" in by_kind:
            for container in (one for service in by_kind["stop"] for one in self.strays.get(service, [])):
                containers.stop(self._client, container["inspected"], stop_timeout)
            compose.stop(by_kind["stop"], stop_timeout)
        if "unpause" in by_kind:
            compose.unpause(by_kind["unpause"])
        if "recreate" in by_kind:
            self._remove_surplus(by_kind["recreate"])
            compose.up(by_kind["recreate"], recreate=True)
        to_start = [*by_kind.get("create", []), *by_kind.get("start", [])]
        if to_start:
            compose.up(to_start, recreate=False)

    def _remove_surplus(self, recreated: Iterable[str]) -> None:
        """Remove the containers that an interrupted run has created beside the oldest one of a service.

        Compose would remove them while it gives their names to new ones, which fails when the removal is the slower one.
        """
        for service in recreated:
            found = sorted(self.existing[service], key=lambda container: str(container["inspected"]["Created"]))
            for container in found[1:]:
                containers.remove(self._client, container["inspected"])

    def wait(self, timeout: float) -> None:
        """Wait until the selected services are ready. Raises HostError with the state and the last log lines of every service that is not."""
        unready = wait_until_ready(self._observations, timeout)
        if unready:
            parts = [self._failure_text(service, text) for service, text in unready.items()]
            raise HostError("\n\n".join([f"Not ready: {', '.join(unready)}.", *parts]))

    def summary(self) -> list[dict[str, Any]]:
        """Return the current containers of the selected services, for the result of a module. Raises HostError."""
        rows = []
        for service, found in self._containers().items():
            if service not in self.selected:
                continue
            for container in found:
                observation = containers.observation(container["inspected"]) or {}
                rows.append(
                    {
                        "name": container["inspected"]["Name"].lstrip("/"),
                        "service": service,
                        "role": container["aspects"]["labels"].get(LABEL_ROLE, ""),
                        "id": container["id"],
                        "state": observation["status"],
                        "health": observation["health"] or "",
                        "ports": sorted(int(port) for _target, _address, port in container["aspects"]["ports"]),
                    }
                )
        return rows

    def secrets(self) -> set[str]:
        """Return the secret values of the services' environments, which must not appear in a message."""
        found: set[str] = set()
        for service in self.wanted.values():
            found |= redaction.secret_values(service["environment"])
        return found

    def _containers(self) -> dict[str, list[dict[str, Any]]]:
        live = containers.network_ids(self._client)
        owners = {service["labels"].get(LABEL_CLUSTER) for service in self.wanted.values()} - {None}
        found: dict[str, list[dict[str, Any]]] = {}
        for container in containers.with_labels(self._client, f"{containers.PROJECT_LABEL}={self.name}"):
            labels = container["Config"]["Labels"]
            owner = labels.get(LABEL_CLUSTER)
            if owner is None or (owners and owner not in owners):
                raise HostError(
                    f"The container {container['Name'].lstrip('/')} belongs to a Compose project {self.name} of another owner. "
                    "Remove that project, or set another cluster_name (waba_cluster_name)."
                )
            found.setdefault(labels[containers.SERVICE_LABEL], []).append(
                {
                    "id": container["Id"],
                    "name": container["Name"].lstrip("/"),
                    "compose_name": containers.compose_name(container),
                    "state": container["State"]["Status"],
                    "image": container["Config"]["Image"],
                    "aspects": services.container_aspects(container, live),
                    "stale_binds": live_bind_mounts.stale_binds(container),
                    "inspected": container,
                }
            )
        return dict(sorted(found.items(), key=lambda item: self._position(item[0])))

    def _strays(self) -> dict[str, list[dict[str, Any]]]:
        """Return {service: containers} of the cluster in other Compose projects, for the roles of this file.

        `docker compose` creates such containers if COMPOSE_PROJECT_NAME is set in its environment. They share the volumes of this project.
        """
        labels = [service["labels"] for service in self.wanted.values() if LABEL_CLUSTER in service["labels"]]
        roles = {one.get(LABEL_ROLE) for one in labels}
        found: dict[str, list[dict[str, Any]]] = {}
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

    def _observations(self) -> dict[str, dict[str, Any] | None]:
        found = {
            container["Config"]["Labels"][containers.SERVICE_LABEL]: container
            for container in containers.with_labels(self._client, f"{containers.PROJECT_LABEL}={self.name}")
        }
        return {service: containers.current_observation(self._client, found.get(service)) for service in self.selected}

    def _failure_text(self, service: str, text: str) -> str:
        found = self._containers().get(service, [])
        sources = [f"{service}: {text}."]
        if found and (check := containers.last_check(self._client, found[0]["id"])):
            sources.append(f"  Its last health check reported: {check}")
        lines = containers.last_lines(self._client, found[0]["id"], LOG_LINES) if found else []
        sources += (
            ["  Last lines of its log:", *(f"    {line}" for line in lines)] if lines else ["  It logged nothing."]
        )
        return redaction.redacted("\n".join(sources), self.secrets())


def predicted_actions(file: str, selected: Sequence[str] | None, reason: str) -> list[convergence.Action]:
    """Return the expected actions on a host without the file or without Docker: every selected service is created."""
    return [convergence.Action(name, "create", f"{reason} ({os.path.basename(file)})") for name in selected or []]

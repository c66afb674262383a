# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands that cause a fault, and the shell script that undoes it without Ansible (docs/adr/0032-drill-armed-before-the-fault.md). Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TAG = "waba-drill"  # the comment of the firewall rules that a drill adds; iptables prints it without quotes
IPV4, IPV6 = 4, 6
TOOLS = {IPV4: "iptables", IPV6: "ip6tables"}
INTERVAL, ATTEMPTS = 5, 120  # seconds between two attempts to undo a fault, and their number

Command = list[str]
Container = Mapping[str, Any]  # {"id", "pid", "versions": of the Internet protocol that it has addresses of}

_HEAD = """\
#!/bin/sh
# Managed by Ansible, waba.cluster: undoes a fault that drill.yml has caused on the cluster {cluster}. A timer runs this file when
# the drill itself was killed. It can be run by hand at any time, more than once. It removes itself when the fault is gone.
PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DOCKER_HOST=unix:///var/run/docker.sock
export PATH DOCKER_HOST

# Print a field of a container; nothing if the container was removed meanwhile. Fails if the engine does not answer.
field() {
  docker inspect --type container --format "$2" "$1" 2>/dev/null && return 0
  docker inspect --type container "$1" 2>&1 >/dev/null | grep -qi 'no such'
}

resume() {
  status="$(field "$1" '{{.State.Status}}')" || return 1
  [ "$status" != paused ] || docker unpause "$1" >/dev/null
}

start() {
  status="$(field "$1" '{{.State.Status}}')" || return 1
  case "$status" in
    exited | created | dead) docker start "$1" >/dev/null ;;
  esac
}

# Delete the rules of the drill, with the named tools, from the network of a container. A restarted container has a new network
# without them.
connect() {
  pid="$(field "$1" '{{.State.Pid}}')" || return 1
  [ "${pid:-0}" != 0 ] || return 0
  shift
  for tool; do
    rules="$(nsenter --target "$pid" --net "$tool" --wait 10 --list-rules)" || return 1
    printf '%s\\n' "$rules" | sed -n '/{tag}/s/^-A /-D /p' | while read -r rule; do
      # The rules of a drill have no quotes, so the shell splits them correctly.
      # shellcheck disable=SC2086
      nsenter --target "$pid" --net "$tool" --wait 10 $rule || exit 1
    done || return 1
  done
}

undo() {
  failed=0
"""

_TAIL = """\
  return "$failed"
}

attempt=0
until undo; do
  attempt=$((attempt + 1))
  [ "$attempt" -lt {attempts} ] || exit 1
  sleep {interval}
done
rm -f "$0"
rmdir "$(dirname "$0")" 2>/dev/null || :
"""

_FUNCTIONS = {"kill": "start", "freeze": "resume", "isolate": "connect"}


def script(cluster: str, fault: str, containers: Sequence[Container]) -> str:
    """Return the shell script that undoes a fault. containers: in the order in which they start."""
    head = _HEAD.replace("{cluster}", cluster).replace("{tag}", TAG)
    tail = _TAIL.replace("{attempts}", str(ATTEMPTS)).replace("{interval}", str(INTERVAL))
    return "".join([head, *(f"  {shlex.join(_call(fault, one))} || failed=1\n" for one in containers), tail])


def _call(fault: str, container: Container) -> Command:
    tools = [TOOLS[version] for version in container["versions"]] if fault == "isolate" else []
    return [_FUNCTIONS[fault], container["id"], *tools]


def commands(fault: str, containers: Sequence[Container], local: Sequence[str] = ()) -> list[Command]:
    """Return the commands that cause a fault. local: networks and addresses that a container that is cut off still reaches."""
    ids = [container["id"] for container in containers]
    if fault == "kill":
        return [["docker", "kill", *ids]]
    if fault == "freeze":
        return [["docker", "pause", *ids]]
    return [command for container in containers for command in _isolation(container, local)]


def _isolation(container: Container, local: Sequence[str]) -> Iterator[Command]:
    """Yield the commands that drop the packets of a container's network, in both directions. A rule is inserted above the former ones."""
    for version in container["versions"]:
        exempt = [address for address in local if (":" in address) == (version == IPV6)]
        rule = ["nsenter", "--target", str(container["pid"]), "--net", TOOLS[version], "--wait", "10", "--insert"]
        for chain, interface, end in (
            ("INPUT", "--in-interface", "--source"),
            ("OUTPUT", "--out-interface", "--destination"),
        ):
            comment = ["--match", "comment", "--comment", TAG]
            yield [*rule, chain, "!", interface, "lo", *comment, "--jump", "DROP"]
            for address in exempt:
                yield [*rule, chain, end, address, *comment, "--jump", "ACCEPT"]


def armed_command(unit: str, path: str, seconds: int) -> Command:
    """Return the command that makes systemd run the script after some seconds, outside of the session that runs this command."""
    return [
        "systemd-run",
        "--quiet",
        "--collect",
        f"--unit={unit}",
        f"--on-active={seconds}s",
        "--timer-property=AccuracySec=1s",
        "/bin/sh",
        path,
    ]


def sleeper_command(path: str, seconds: int) -> Command:
    """Return the command that does the same where no systemd runs. The script removes itself when the fault was undone earlier."""
    return ["/bin/sh", "-c", 'sleep "$1"; [ ! -e "$0" ] || exec /bin/sh "$0"', path, str(seconds)]

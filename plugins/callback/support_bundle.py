# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Collects the support bundle of the hosts on which a run failed, as logs.yml does."""

from __future__ import annotations

DOCUMENTATION = r"""
name: support_bundle
type: aggregate
short_description: Collect the support bundle after a failed run
version_added: 1.0.0
author:
  - waba.cluster contributors (!UNKNOWN)
description:
  - After a run that failed on hosts of the cluster, runs the playbook C(waba.cluster.logs) on these hosts and prints where the archive is. The run has the
    inventory, the extra variables and the connection options of the failed one.
  - Does nothing after a run with C(--check), after a run that was refused before anything was touched, and after a playbook that only reads (C(logs),
    C(preflight), C(status)).
  - The failure remains the outcome of the run, with its exit status, also when the bundle cannot be collected. Passwords that the failed run prompted for
    are not known to the collection; use keys or password files.
requirements:
  - Enable it in the configuration, see the example.
options:
  timeout:
    description: Seconds after which an unfinished collection is given up.
    type: int
    default: 600
    ini:
      - section: callback_support_bundle
        key: timeout
    env:
      - name: WABA_SUPPORT_BUNDLE_TIMEOUT
"""

EXAMPLES = r"""
example: |
  # In ansible.cfg:
  [defaults]
  callbacks_enabled = waba.cluster.support_bundle
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible import context
from ansible.plugins.callback import CallbackBase

if TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.inventory.manager import InventoryManager
    from ansible.playbook import Playbook
    from ansible.playbook.play import Play

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
READ_ONLY = ("logs", "preflight", "status", "topology")
NODES = "waba_cluster_nodes"  # the fixed group of the hosts that run a container
REFUSED = "Nothing was "  # begins the message of a run that was refused before anything was touched
MARK = "WABA_SUPPORT_BUNDLE"  # in the environment of the collection, so that its failure starts no other one
ARCHIVE = re.compile(r"Archive: (/.*\S)")
OPTIONS = {  # option of ansible-playbook: its name in context.CLIARGS
    "--inventory": "inventory",
    "--extra-vars": "extra_vars",
    "--vault-id": "vault_ids",
    "--vault-password-file": "vault_password_files",
    "--module-path": "module_path",
    "--user": "remote_user",
    "--private-key": "private_key_file",
    "--connection": "connection",
    "--timeout": "timeout",
    "--forks": "forks",
    "--ssh-common-args": "ssh_common_args",
    "--ssh-extra-args": "ssh_extra_args",
    "--become-method": "become_method",
    "--become-user": "become_user",
}
LAST_LINES = 15


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "waba.cluster.support_bundle"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.playbook = Path()
        self.inventory: InventoryManager | None = None
        self.messages: dict[str, str] = {}

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        self.playbook = Path(playbook._file_name or "")

    def v2_playbook_on_play_start(self, play: Play) -> None:
        self.inventory = play.get_variable_manager()._inventory

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            self.messages[result.host.get_name()] = str(result.result.get("msg", ""))

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        try:
            hosts = self.concerned([*stats.failures, *stats.dark])
            if hosts:
                self._collect(hosts)
        except Exception as error:
            self._display.warning(f"The support bundle was not collected: {error}")

    def concerned(self, failed: Iterable[str]) -> list[str]:
        """Return the hosts whose bundle is collected. failed: the hosts on which the run failed, or that it did not reach."""
        if os.environ.get(MARK) or context.CLIARGS.get("check") or self.inventory is None:
            return []
        if self.playbook.stem in READ_ONLY and self.playbook.resolve().parent == PLAYBOOKS:
            return []
        if self.messages and all(message.startswith(REFUSED) for message in self.messages.values()):
            return []
        nodes = self.inventory.get_groups_dict().get(NODES, [])
        failed = set(failed)
        return [host for host in nodes if host in failed]

    def _collect(self, hosts: list[str]) -> None:
        self._display.display(f"Collecting the support bundle of {', '.join(hosts)} ...")
        status, output = run(command(hosts, context.CLIARGS), self.get_option("timeout"))
        found = ARCHIVE.search(output)
        if status == 0 and found:
            self._display.display(f"Support bundle: {found[1]}")
        else:
            lines = "\n".join(f"  {line}" for line in output.splitlines()[-LAST_LINES:])
            self._display.warning(f"The support bundle was not collected. Run waba.cluster.logs by hand.\n{lines}")


def command(hosts: Iterable[str], given: Mapping[str, Any]) -> list[str]:
    """Return the command that collects the bundle of hosts. given: the options of the run that failed (context.CLIARGS)."""
    found = [sys.executable, "-m", "ansible", "playbook", str(PLAYBOOKS / "logs.yml"), "--limit", ",".join(hosts)]
    for option, name in OPTIONS.items():
        values = given.get(name)
        for value in values if isinstance(values, (list, tuple)) else [values]:
            # Each value is bound to its option, since one may begin with a dash, as in --ssh-common-args=-o...
            found += [f"{option}={value}"] if value not in (None, "") else []
    return found + (["--become"] if given.get("become") else [])


def run(arguments: list[str], timeout: float) -> tuple[int, str]:
    """Run a command without a terminal; return (status, output). The status is not 0 after a timeout (seconds) or an interrupt."""
    environment = {
        **os.environ,
        MARK: "collecting",
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
    }
    process = subprocess.Popen(  # noqa: S603 - ansible-playbook, with the options of the operator
        arguments,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # no prompt for a password can reach the terminal
    )
    try:
        output, _errors = process.communicate(timeout=timeout)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        return 1, f"No answer within {timeout} s."
    except KeyboardInterrupt:
        return 1, "It was interrupted."
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

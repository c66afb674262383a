# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans the input of `iptables-restore --noflush` that brings a host's tables to the wanted rules of a cluster."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall.rules import FORWARDED, HUB, chains

Table = Mapping[str, Sequence[str]]  # {chain: rules, without "-A CHAIN "}, see `parse`


class Jump(NamedTuple):
    """A rule of the chain parent that calls the chain child."""

    parent: str
    child: str
    at_head: bool = True

    @property
    def rule(self) -> str:
        """The rule without "-A CHAIN "."""
        return f"-j {self.child}"


def parse(text: str) -> dict[str, list[str]]:
    """Return {chain: rules, without "-A CHAIN "} from the output of `iptables-save -t filter`."""
    table: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith(":"):
            table[line[1:].split()[0]] = []
        elif line.startswith("-A "):
            _add, chain, rule = line.split(" ", 2)
            table[chain].append(rule)
    return table


def jumps(cluster: str, live: Table) -> list[Jump]:
    """Return the jumps to a cluster's chains, in the order in which they are added.

    Packets reach containers through FORWARDED only if Docker created that chain. Otherwise docker-proxy receives them from INPUT.
    """
    accept, refuse, forward = chains(cluster)
    found = [Jump("INPUT", HUB), Jump(HUB, accept), Jump(HUB, refuse, at_head=False)]
    return [*found, Jump(FORWARDED, forward)] if FORWARDED in live else found


def plan(cluster: str, wanted: Table | None, live: Table) -> list[str]:
    """Return the input of `iptables-restore --noflush`, [] if nothing differs. It concerns only the cluster's chains and jumps to them.

    wanted: the rules, or None to remove the cluster.
    """
    return _removal(cluster, live) if wanted is None else _difference(cluster, wanted, live)


def boot(cluster: str, wanted: Table, live: Table) -> list[str]:
    """Return the input that adds everything on a host that has just booted and has the chains of `shared_chains`."""
    declarations = [f":{chain} - [0:0]" for chain in wanted]
    return _transaction([*declarations, *_rules(wanted), *(_added(jump) for jump in jumps(cluster, live))])


def shared_chains(live: Table) -> list[str]:
    """Return the chains that the boot input adds jumps to, and that another program may have created."""
    return [HUB, FORWARDED] if FORWARDED in live else [HUB]


def accepted_before(live: Table) -> list[str]:
    """Return the rules in INPUT that accept packets before the cluster's rules are evaluated."""
    rules = list(live.get("INPUT", []))
    calls = [index for index, rule in enumerate(rules) if rule == f"-j {HUB}"]
    before = rules[: calls[0]] if calls else []
    return [rule for rule in before if rule.endswith("-j ACCEPT") and "-i lo" not in rule and "ESTABLISHED" not in rule]


def description(cluster: str, live: Table, wanted: Table | None = None) -> str:
    """Return the text of a diff: the current rules of a cluster, or the wanted ones."""
    rules = {chain: live[chain] for chain in chains(cluster) if chain in live} if wanted is None else wanted
    calls = [
        f"-A {jump.parent} {jump.rule}\n"
        for jump in jumps(cluster, live)
        if wanted is not None or jump.rule in live.get(jump.parent, [])
    ]
    return "".join([*calls, *(f"{line}\n" for line in _rules(rules))])


def _difference(cluster: str, wanted: Table, live: Table) -> list[str]:
    lines = [f":{HUB} - [0:0]"] if HUB not in live else []
    for chain, rules in wanted.items():
        if [_canonical(rule) for rule in live.get(chain, [])] != [_canonical(rule) for rule in rules]:
            lines += [f":{chain} - [0:0]", *_rules({chain: rules})]  # the declaration flushes an existing chain
    for jump in jumps(cluster, live):
        if not _is_correct(jump, live):
            lines += [*_removed(jump, live), _added(jump)]
    return _transaction(lines)


def _removal(cluster: str, live: Table) -> list[str]:
    own = [chain for chain in chains(cluster) if chain in live]
    lines = [line for parent in live for child in own for line in _removed(Jump(parent, child), live)]
    others = [rule for rule in live.get(HUB, []) if rule not in {f"-j {chain}" for chain in own}]
    if HUB in live and not others:
        lines += _removed(Jump("INPUT", HUB), live)
        own = [*own, HUB]
    return _transaction([*lines, *(f"-F {chain}" for chain in own), *(f"-X {chain}" for chain in own)])


def _is_correct(jump: Jump, live: Table) -> bool:
    rules = list(live.get(jump.parent, []))
    count = rules.count(jump.rule)
    if jump.child == HUB and count:
        return True  # the units of two clusters that boot at once add the jump twice, which has the same effect
    if count != 1:
        return False
    if jump.parent != HUB:
        return True  # rules that a user put before the jump remain there
    refusals = [index for index, rule in enumerate(rules) if rule.startswith("-j WABA-NO-")]
    position = rules.index(jump.rule)
    return position >= len(rules) - len(refusals) if not jump.at_head else position < min([*refusals, len(rules)])


def _removed(jump: Jump, live: Table) -> list[str]:
    return [f"-D {jump.parent} {jump.rule}"] * list(live.get(jump.parent, [])).count(jump.rule)


def _added(jump: Jump) -> str:
    return f"-I {jump.parent} 1 {jump.rule}" if jump.at_head else f"-A {jump.parent} {jump.rule}"


def _rules(wanted: Table) -> list[str]:
    return [f"-A {chain} {rule}" for chain, rules in wanted.items() for rule in rules]


def _transaction(lines: Iterable[str]) -> list[str]:
    lines = list(lines)
    return ["*filter", *lines, "COMMIT"] if lines else []


def _canonical(rule: str) -> list[list[str]]:
    """Return a rule in a form in which equivalent rules are equal: versions of iptables print options in different orders."""
    groups: list[list[str]] = []
    for word in shlex.split(rule):
        if word == "!" or (word.startswith("-") and groups[-1:] != [["!"]]):
            groups.append([word])
        else:
            groups[-1].append(word)
    return sorted(group for group in groups if group[0] != "-m")

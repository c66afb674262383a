# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What to tell `iptables-restore --noflush`, so that a host's tables hold our rules, or none of them, given what they hold (rules: ours)."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from ansible_collections.waba.cluster.plugins.module_utils.firewall.rules import FORWARDED, HUB, chains


class Jump(NamedTuple):
    """Where a chain is called from: parent, child (str), and whether at its head or its tail."""

    parent: str
    child: str
    at_head: bool = True


def parse(text):
    """Return {chain: list of rules, without "-A CHAIN "} of the text of `iptables-save -t filter`."""
    found = {}
    for line in text.splitlines():
        if line.startswith(":"):
            found[line[1:].split()[0]] = []
        elif line.startswith("-A "):
            _add, chain, rule = line.split(" ", 2)
            found[chain].append(rule)
    return found


def jumps(cluster, live):
    """Return the jumps (list of Jump) to a cluster's chains, in the order in which they are made. live: as from `parse`.

    Containers are only reached through FORWARDED where Docker made that; elsewhere its proxy takes what comes, and that passes INPUT.
    """
    enter, refuse, forward = chains(cluster)
    made = [Jump("INPUT", HUB), Jump(HUB, enter), Jump(HUB, refuse, at_head=False)]
    return [*made, Jump(FORWARDED, forward)] if FORWARDED in live else made


def plan(cluster, wanted, live):
    """Return the lines for `iptables-restore --noflush` (list of str) after which the tables are as they shall be; [] when they are.

    wanted: {chain: rules}, or None for no trace of the cluster. live: as from `parse`. Every line is about a chain of ours, or a jump to one.
    """
    return _removal(cluster, live) if wanted is None else _difference(cluster, wanted, live)


def boot(cluster, wanted, live):
    """Return the lines that make it all on a machine that has just started, once the chains that others own too are there (see `shared`)."""
    declared = [f":{chain} - [0:0]" for chain in wanted]
    return _table([*declared, *_rules(wanted), *(_made(jump) for jump in jumps(cluster, live))])


def shared(live):
    """Return the chains (list of str) into which the boot's lines put jumps, and which somebody else may have made before."""
    return [HUB, FORWARDED] if FORWARDED in live else [HUB]


def in_front(live):
    """Return the rules (list of str) that accept packets before ours are asked."""
    ours = [index for index, rule in enumerate(live.get("INPUT", [])) if rule == f"-j {HUB}"]
    before = live.get("INPUT", [])[: ours[0]] if ours else []
    return [rule for rule in before if rule.endswith("-j ACCEPT") and "-i lo" not in rule and "ESTABLISHED" not in rule]


def shown(cluster, live, wanted=None):
    """Return all that a host has of a cluster, or with wanted what it shall have, as text for a diff."""
    rules = {chain: live[chain] for chain in chains(cluster) if chain in live} if wanted is None else wanted
    calls = [
        f"-A {jump.parent} -j {jump.child}\n"
        for jump in jumps(cluster, live)
        if wanted is not None or f"-j {jump.child}" in live.get(jump.parent, [])
    ]
    return "".join([*calls, *(f"{line}\n" for line in _rules(rules))])


def _difference(cluster, wanted, live):
    lines = [f":{chain} - [0:0]" for chain in (HUB,) if chain not in live]
    for chain, rules in wanted.items():
        if [_key(rule) for rule in live.get(chain, [])] != [_key(rule) for rule in rules]:
            lines += [f":{chain} - [0:0]", *_rules({chain: rules})]  # empties one that is there
    for jump in jumps(cluster, live):
        if not _is_made(jump, live):
            lines += [*_unmade(jump, live), _made(jump)]
    return _table(lines)


def _removal(cluster, live):
    own = [chain for chain in chains(cluster) if chain in live]
    gone = [line for parent in live for child in own for line in _unmade(Jump(parent, child), live)]
    others = [rule for rule in live.get(HUB, []) if rule not in {f"-j {chain}" for chain in own}]
    if HUB in live and not others:
        gone += _unmade(Jump("INPUT", HUB), live)
        own = [*own, HUB]
    return _table([*gone, *(f"-F {chain}" for chain in own), *(f"-X {chain}" for chain in own)])


def _is_made(jump, live):
    rules = live.get(jump.parent, [])
    made = rules.count(f"-j {jump.child}")
    if jump.child == HUB and made:
        return True  # units of two clusters that boot at once make it twice, which is the same
    if made != 1:
        return False
    if jump.parent != HUB:
        return True  # whoever put a rule of his before it since then meant it
    refusals = [index for index, rule in enumerate(rules) if rule.startswith("-j WABA-NO-")]
    position = rules.index(f"-j {jump.child}")
    return position >= len(rules) - len(refusals) if not jump.at_head else position < min([*refusals, len(rules)])


def _unmade(jump, live):
    return [f"-D {jump.parent} -j {jump.child}"] * live.get(jump.parent, []).count(f"-j {jump.child}")


def _made(jump):
    return f"-I {jump.parent} 1 -j {jump.child}" if jump.at_head else f"-A {jump.parent} -j {jump.child}"


def _rules(wanted):
    return [f"-A {chain} {rule}" for chain, rules in wanted.items() for rule in rules]


def _table(lines):
    return ["*filter", *lines, "COMMIT"] if lines else []


def _key(rule):
    """Return a rule so that two that mean the same are equal: versions of iptables differ in the order of what they write."""
    groups = []
    for word in shlex.split(rule):
        if word == "!" or (word.startswith("-") and groups[-1:] != [["!"]]):
            groups.append([word])
        else:
            groups[-1].append(word)
    return sorted(group for group in groups if group[0] != "-m")

# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validates the settings of every host on the controller and builds the cluster's topology from them.

Role argument validation stops at the first role that refuses a value; this plugin reports all problems of all hosts together.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template
from ansible_collections.waba.cluster.plugins.module_utils._internal import egress
from ansible_collections.waba.cluster.plugins.module_utils._internal.addresses import in_url
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup import settings as backup_settings
from ansible_collections.waba.cluster.plugins.module_utils._internal.certificates import acme
from ansible_collections.waba.cluster.plugins.module_utils._internal.cloud import settings as cloud_settings
from ansible_collections.waba.cluster.plugins.module_utils._internal.cluster import api_proxy, topology
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils._internal.contract import GUARD_PORT
from ansible_collections.waba.cluster.plugins.module_utils._internal.drill import plan as drill
from ansible_collections.waba.cluster.plugins.module_utils._internal.firewall import rules
from ansible_collections.waba.cluster.plugins.module_utils._internal.preflight import setting_names
from ansible_collections.waba.cluster.plugins.module_utils._internal.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils._internal.report import log_window
from ansible_collections.waba.cluster.plugins.module_utils._internal.secrets import validation

ROLES = Path(__file__).resolve().parents[2] / "roles"
PROXY_TEMPLATE = ROLES / "database_proxy" / "templates" / "haproxy.cfg.j2"
API_PROXY_TEMPLATE = ROLES / "api_proxy" / "templates" / "haproxy.cfg.j2"
API_ADDRESS_TEMPLATE = ROLES / "api_proxy" / "templates" / "keepalived.conf.j2"
# Ansible's message for a value of the wrong type repeats the value, which may be a secret.
CONVERSION = re.compile(
    r"(?:argument|Elements value for option) '(\S+)' is of type .* and we were unable to convert to (\w+):.*", re.DOTALL
)
IMAGES = ("waba_coreapp_image", "waba_webapp_image")
REGISTERED = frozenset(
    (
        "waba_topology",
        "waba_observed",
        "waba_probes",
        "waba_plan",
        "waba_listening",
        "waba_reached",
        "waba_health",
        "waba_files",
        "waba_cloud_account",
    )
)


class HostSettings(Mapping):
    """The settings of one host by name, each in the type of its specification; the default where the host has none or an invalid one."""

    def __init__(
        self, variables: Mapping[str, Any], defaults: Mapping[str, Any], options: Mapping, templar: Any
    ) -> None:
        self._variables, self._options = variables, options
        self._templar = templar.copy_with_new_env(available_variables={**defaults, **variables})
        self._defaults = defaults
        self._values: dict[str, Any] = {}
        self.problems: list[Problem] = []

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            problems, value = self._given(name) if name in self._variables else ([], None)
            self.problems += problems
            if problems or name not in self._variables:
                value = self.template(name, self._defaults)[1] if name in self._defaults else None
            self._values[name] = value
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._options)

    def __len__(self) -> int:
        return len(self._options)

    def template(self, name: str, source: Mapping[str, Any]) -> tuple[list[Problem], Any]:
        """Return (problems, value) of a variable of this host."""
        try:
            return [], untagged(self._templar.template(source[name]))
        except AnsibleError as error:
            problem = f"it cannot be templated: {str(error).splitlines()[0]}"
            return [Problem(name, "(not known)", problem, "Define what it refers to, or fix the expression")], None

    def _given(self, name: str) -> tuple[list[Problem], Any]:
        problems, value = self.template(name, self._variables)
        if problems:
            return problems, None
        role, option = self._options[name]
        result = ArgumentSpecValidator({name: option}).validate({name: value})
        texts = dict.fromkeys(CONVERSION.sub(r"\1 must be of the type \2", text) for text in result.error_messages)
        fix = f"Run ansible-doc -t role waba.cluster.{role} to see the accepted values"
        # A dictionary or list may hold secrets, so the message has its type only.
        is_plain = isinstance(value, (str, int, float)) and not option.get("no_log")
        reported = value if is_plain else f"({type(value).__name__})"
        return [Problem(name, reported, text, fix) for text in texts], result.validated_parameters.get(name)


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset(("leaving", "require_nodes"))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        del tmp
        task_vars = task_vars or {}
        options, defaults = self._specifications()
        groups, hostvars = task_vars["groups"], task_vars["hostvars"]
        every_host = [host for host in groups["all"] if host in hostvars]
        settings = {host: HostSettings(hostvars.raw_get(host), defaults, options, self._templar) for host in every_host}
        names = {
            host: {setting: str(values[setting]) for setting in topology.GROUP_SETTINGS}
            for host, values in settings.items()
        }
        wrong_groups = topology.group_problems(names, groups, boolean(self._task.args.get("require_nodes", True)))
        if wrong_groups or not names:
            texts = [f"{one.variable} is {one.value!r}: {one.problem}. {one.fix}." for one in wrong_groups]
            empty = "" if names else "The inventory has no host. "
            return {**result, "failed": True, "msg": f"Nothing was touched. {empty}{' '.join(texts)}".rstrip()}
        group_names = next(iter(names.values()))
        parts = topology.members(group_names, groups)
        hosts = list(dict.fromkeys(host for members in parts.values() for host in members))
        checks = {host: self._check(settings[host], hostvars.raw_get(host), options) for host in hosts}
        built = topology.build(parts, settings, self._task.args.get("leaving") or [])
        configure_proxies(self._templar, built)
        for host in built["share"]["clients"]:
            checks[host]["problems"] += [
                problem._asdict() for problem in topology.share_problems(settings[host], built["share"])
            ]
        for host in parts["nfs_server"]:
            found = topology.share_owner_problems(settings[host], "nfs_server_owner")
            checks[host]["problems"] += [problem._asdict() for problem in found]
        for host, problems in topology.database_problems(group_names, parts, settings).items():
            checks[host]["problems"] += [problem._asdict() for problem in problems]
        members = [member["host"] for member in built["database"]["members"]]
        for host in hosts:
            chosen = str(settings[host]["waba_backup_host"])
            found = backup_settings.host_problems(chosen, parts["database"], parts["masters"], members)
            found += acme.path_problems(built["hosts"][host]["acme"])
            checks[host]["problems"] += [problem._asdict() for problem in found]
        for host, problems in api_proxy.problems(parts, settings).items():
            checks[host]["problems"] += [problem._asdict() for problem in problems]
        for host in hosts:
            checks[host]["problems"] += [one._asdict() for one in topology.ipv6_problems(host, settings[host], built)]
        sound = all(check["sound"] for check in checks.values())
        return {**result, "changed": False, "checks": checks, "sound": sound, **built}

    def _specifications(self) -> tuple[dict[str, tuple[str, dict[str, Any]]], dict[str, Any]]:
        """Return ({variable: (role, option)}, {variable: default}) of every role of the collection."""
        options: dict[str, tuple[str, dict[str, Any]]] = {}
        defaults: dict[str, Any] = {}
        for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
            for entry in self._loader.load_from_file(str(path))["argument_specs"].values():
                given = entry.get("options") or {}
                options.update((name, (path.parts[-3], option)) for name, option in given.items())
        for path in sorted(ROLES.glob("*/defaults/main.yml")):
            defaults.update(self._loader.load_from_file(str(path), trusted_as_template=True) or {})
        return options, defaults

    def _check(
        self, settings: HostSettings, variables: Mapping[str, Any], options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return {"sound", "problems", "risks"} of one host's settings."""
        secrets = [name for name, (_role, option) in options.items() if is_secret(option) and name in variables]
        for name in variables:
            if name in options and name not in secrets:
                settings[name]  # validated on access
        problems = list(settings.problems)
        sound = not problems
        given = {}
        for name in secrets:
            found, value = settings.template(name, variables)
            problems += found
            given.update({} if found else {name: value})
        unknown, warnings = setting_names.unknown(set(variables) - REGISTERED, set(options))
        problems += dotenv.checked(settings["waba_environment"] or {}, "environment")[1]
        since, until, tail = settings["waba_logs_since"], settings["waba_logs_until"], settings["waba_logs_tail"]
        problems += log_window.window_problems(since or "", until or "", tail or 0, time.time())
        problems += rules.source_problems("firewall_api_sources", settings["waba_firewall_api_sources"] or [])
        problems += rules.source_problems("firewall_webapp_sources", settings["waba_firewall_webapp_sources"] or [])
        problems += rules.source_problems("firewall_webhook_sources", settings["waba_firewall_webhook_sources"] or [])
        problems += rules.address_problems("firewall_addresses", settings["waba_firewall_addresses"] or [])
        images = [str(settings[name]) for name in IMAGES]
        problems += validation.secret_problems(given, images)
        problems += unknown
        problems += egress.problems(settings)
        problems += backup_settings.problems(settings)
        problems += acme.problems(settings)
        problems += drill.setting_problems(drill.settings_of(settings, images))
        found, risks = cloud_settings.problems(settings, given, images)
        problems += found
        warnings += risks
        return {
            "sound": sound,
            "problems": [problem._asdict() for problem in problems],
            "risks": [warning._asdict() for warning in warnings],
        }


def is_secret(option: Mapping[str, Any]) -> bool:
    """Return whether the specification of a setting describes a secret. A dictionary of secrets has rules of its own."""
    return bool(option.get("no_log")) and option.get("type", "str") == "str"


def configure_proxies(templar: Any, built: Mapping[str, Any]) -> None:
    """Render the configurations of the proxies into the plans of a topology."""
    members = [{**one, "address": in_url(one["address"])} for one in built["database"]["members"]]
    for plan in (one["plan"] for one in built["hosts"].values()):
        if "proxy" in plan:
            variables = {"members": members, "guard_port": GUARD_PORT, "ipv6": plan["ipv6"]}
            plan["proxy"]["configuration"] = rendered(templar, PROXY_TEMPLATE, variables)
        if "api_proxy" in plan:
            variables = api_proxy.proxy_variables(built["api_proxy"]["webapps"], plan)
            plan["api_proxy"]["configuration"] = rendered(templar, API_PROXY_TEMPLATE, variables)
        if "address" in plan.get("api_proxy", {}):
            text = rendered(templar, API_ADDRESS_TEMPLATE, api_proxy.address_variables(plan))
            plan["api_proxy"]["address"]["configuration"] = text


def rendered(templar: Any, template: Path, variables: Mapping[str, Any]) -> str:
    """Return the text of a template of a role."""
    text = trust_as_template(template.read_text(encoding="utf-8"))
    return str(templar.copy_with_new_env(available_variables=dict(variables)).template(text))


def untagged(value: Any) -> Any:
    """Return a value without Ansible's data tags, so that messages name plain types."""
    if isinstance(value, dict):
        return {untagged(key): untagged(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [untagged(item) for item in value]
    for kind in (str, int, float):
        if isinstance(value, kind) and not isinstance(value, bool):
            return kind(value)
    return value

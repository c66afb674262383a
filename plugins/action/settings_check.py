# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks a host's variables on the controller, all of them, where role argument validation ends with the first role that dislikes one."""

from __future__ import annotations

import re
import time
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.waba.cluster.plugins.module_utils.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils.firewall import rules as firewall
from ansible_collections.waba.cluster.plugins.module_utils.preflight import setting_names
from ansible_collections.waba.cluster.plugins.module_utils.problems import Problem
from ansible_collections.waba.cluster.plugins.module_utils.report import log_window
from ansible_collections.waba.cluster.plugins.module_utils.secrets import validation

ROLES = Path(__file__).resolve().parents[2] / "roles"
# Ansible's own words for a wrong type, which repeat the value.
CONVERSION = re.compile(
    r"(?:argument|Elements value for option) '(\S+)' is of type .* and we were unable to convert to (\w+):.*", re.DOTALL
)
WINDOW = {"waba_logs_since": "", "waba_logs_until": "", "waba_logs_tail": 0}
HOW_TO_LEARN = "ansible-doc -t role waba.cluster.{0} tells what it takes"


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        variables = task_vars or {}
        specifications = self._specifications()
        secrets = list(self._task.args.get("secrets") or [])
        problems, values, given = [], {}, {}
        for name, (role, option) in specifications.items():
            if name in variables:
                found, values[name] = self._checked(name, variables, role, option)
                problems += found
        sound = not problems
        for name in secrets:
            if name in variables:
                found, value = self._templated(name, variables)
                problems += found
                given.update({} if found else {name: value})
        images = [str(values.get(name)) for name in ("waba_coreapp_image", "waba_webapp_image")]
        unknown, warnings = setting_names.unknown(variables, {*specifications, *secrets})
        problems += dotenv.checked(values.get("waba_environment") or {}, "environment")[1]
        window = [values.get(name) or empty for name, empty in WINDOW.items()]
        problems += log_window.window_problems(*window, time.time())
        problems += firewall.source_problems("firewall_api_sources", values.get("waba_firewall_api_sources") or [])
        problems += firewall.address_problems("firewall_addresses", values.get("waba_firewall_addresses") or [])
        problems += validation.secret_problems(given, images) + unknown
        return {
            **result,
            "changed": False,
            "sound": sound,
            "problems": [problem._asdict() for problem in problems],
            "risks": [warning._asdict() for warning in warnings],
        }

    def _specifications(self):
        """Return {variable: (role, its option)} of every entry point of every role of the collection."""
        found = {}
        for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
            for entry in self._loader.load_from_file(str(path))["argument_specs"].values():
                found.update((name, (path.parts[-3], option)) for name, option in (entry.get("options") or {}).items())
        return found

    def _templated(self, name, variables):
        try:
            return [], _plain(self._templar.template(variables[name]))
        except AnsibleError as error:
            problem = f"it cannot be worked out: {str(error).splitlines()[0]}"
            return [Problem(name, "(not known)", problem, "Define what it refers to, or fix the expression")], None

    def _checked(self, name, variables, role, option):
        """Return (list of Problem, value or None) of one variable; the value in the type that its specification wants, as a role gets it."""
        problems, value = self._templated(name, variables)
        if problems:
            return problems, None
        result = ArgumentSpecValidator({name: option}).validate({name: value})
        messages = dict.fromkeys(CONVERSION.sub(r"\1 must be of the type \2", text) for text in result.error_messages)
        fix = HOW_TO_LEARN.format(role)
        # The values inside may be secrets; only what is no collection is shown.
        shown = value if isinstance(value, (str, int, float)) else f"({type(value).__name__})"
        problems = [Problem(name, shown, text, fix) for text in messages]
        return problems, None if problems else result.validated_parameters[name]


def _plain(value):
    """Return a value without the tags that Ansible puts on it, whose names would get into messages."""
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    for kind in (str, int, float):
        if isinstance(value, kind) and not isinstance(value, bool):
            return kind(value)
    return value

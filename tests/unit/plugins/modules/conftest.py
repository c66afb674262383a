# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
from ansible.module_utils.testing import patch_module_args


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run a module's main() with options; return its result, without the fields that ansible-core adds for itself."""

    def run_module(module: ModuleType, check_mode: bool = False, **params: Any) -> dict[str, Any]:
        arguments = patch_module_args({**params, "_ansible_check_mode": check_mode})
        with arguments, mock.patch.dict(os.environ), pytest.raises(SystemExit):  # a module changes its environment
            module.main()
        result = json.loads(capsys.readouterr().out)
        return {name: value for name, value in result.items() if not name.startswith("_ansible_")}

    return run_module

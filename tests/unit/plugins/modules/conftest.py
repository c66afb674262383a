# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
from unittest import mock

import pytest
from ansible.module_utils.testing import patch_module_args


@pytest.fixture
def run(capsys):
    """Run a module's main(); return what it answers."""

    def run_module(module, check_mode=False, **params):
        arguments = patch_module_args({**params, "_ansible_check_mode": check_mode})
        with arguments, mock.patch.dict(os.environ), pytest.raises(SystemExit):  # a module replaces its environment
            module.main()
        return json.loads(capsys.readouterr().out)

    return run_module

"""Run the node's tests of its store on three members: `store_tests.py [ARGUMENT...]`, arguments of pytest.

Its pairs of transactions then run on two members: images/node/tests/store/test_write_sets.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))

from members import ADDRESSES, Members, remove  # noqa: E402


def main() -> int:
    members = Members()
    try:
        members.create()
        members.begin()
        first, second, _third = ADDRESSES.values()
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "images/node/src"),
            # Root may write to a member that is read-only.
            "WABA_TEST_DATABASE": f"mysql://root:{members.root_password}@{first}/waba_test",
            "WABA_TEST_SECOND_MEMBER": second,
        }
        command = [sys.executable, "-m", "pytest", *(sys.argv[1:] or [str(ROOT / "images/node/tests/store")])]
        return subprocess.run(command, env=environment, check=False).returncode
    finally:
        remove()


if __name__ == "__main__":
    sys.exit(main())

"""A pip bootstrap script for ansible-test, which would otherwise download one.

The pip of ensurepip installs the version that ansible-test requests.
"""

import subprocess
import sys

subprocess.check_call(
    [sys.executable, "-m", "ensurepip"]
)  # a separate process, since ensurepip hides the configuration of pip from its process
wanted = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *wanted]))

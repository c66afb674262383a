"""Stands where ansible-test expects the pip bootstrap script that it would otherwise download.

Python ships a pip of its own; it then installs the version that ansible-test asks for.
"""

import subprocess
import sys

subprocess.check_call(
    [sys.executable, "-m", "ensurepip"]
)  # a process of its own: it hides pip's configuration from its own
wanted = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *wanted]))

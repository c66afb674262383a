"""Stands where ansible-test expects the pip bootstrap script that it would otherwise download.

Python ships a pip of its own; it then installs the version that ansible-test asks for.
"""

import ensurepip
import subprocess
import sys

ensurepip.bootstrap()
wanted = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *wanted]))

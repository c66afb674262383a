"""What a stage of tests/run.py runs in: virtual environments, interpreters, and copies of the source tree."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"


class Unavailable(Exception):
    """The machine lacks what a stage needs."""


def python(version: str) -> Path:
    """Return the interpreter of a version such as "3.12", from this process, PATH or pyenv. Raises Unavailable."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    on_path = shutil.which(f"python{version}")
    candidates = [*sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True), *([Path(on_path)] if on_path else [])]
    for candidate in candidates:
        # A shim of pyenv is on PATH for versions that are not active, and fails.
        if (
            subprocess.run([candidate, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode
            == 0
        ):
            return candidate
    raise Unavailable(f"no Python {version} with venv on PATH or in {pyenv}")


def virtual_environment(name: str, interpreter: Path, *requirements: str) -> Path:
    """Return the bin folder of a virtual environment below .build, recreated when its requirements have changed.

    requirements: arguments for `pip install`, whose output goes to .build/venvs/NAME.log.
    """
    folder = BUILD / "venvs" / name
    files = [(ROOT / text).read_text(encoding="utf-8") for text in requirements if (ROOT / text).is_file()]
    wanted = hashlib.sha256("\n".join([str(interpreter), *requirements, *files]).encode()).hexdigest()
    stamp = folder / "requirements.sha256"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([interpreter, "-m", "venv", folder], check=True)
        with folder.with_suffix(".log").open("w", encoding="utf-8") as log:
            subprocess.run([folder / "bin/pip", "install", *requirements], cwd=ROOT, check=True, stdout=log, stderr=log)
        stamp.write_text(wanted, encoding="utf-8")
    return folder / "bin"


def prometheus_binaries() -> Path:
    """Return a folder with promtool, prometheus and prometheus-node-exporter: Debian's packages, unpacked below .build and not installed.

    Raises Unavailable.
    """
    root = BUILD / "prometheus"
    binaries = root / "usr" / "bin"
    root.mkdir(parents=True, exist_ok=True)
    try:
        # promtool is the last: before Debian 13, it is part of the package prometheus.
        for program in ("prometheus", "prometheus-node-exporter", "promtool"):
            if (binaries / program).exists():
                continue
            subprocess.run(["apt-get", "download", program], cwd=root, check=True, capture_output=True)
            for package in root.glob("*.deb"):
                subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
                package.unlink()
    except (OSError, subprocess.CalledProcessError) as error:
        raise Unavailable(f"the Debian packages of Prometheus cannot be downloaded: {error}") from error
    return binaries


def debian_packages(*names: str) -> None:
    """Install Debian packages that are missing. Raises Unavailable where this user may not, or without the packages."""
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}\\n", *names]
    try:
        states = subprocess.run(query, capture_output=True, text=True, check=False).stdout.split()
    except FileNotFoundError as error:
        raise Unavailable(f"no Debian, which has the packages {', '.join(names)}") from error
    if states == ["installed"] * len(names):
        return
    if os.geteuid() != 0:
        raise Unavailable(f"install {' '.join(names)} first, or run as root")
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *names]):
        done = subprocess.run(["apt-get", "--quiet", *command], env=variables, capture_output=True, check=False)
        if done.returncode:
            raise Unavailable(f"apt-get {command[0]} failed: {done.stderr.decode(errors='replace').strip()[-200:]}")


def tracked_files() -> list[str]:
    """Return the files that git tracks or would track, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    return [name for name in listed if name and (ROOT / name).is_file()]


def copied_tree(name: str) -> Path:
    """Copy the sources into a collection tree that is a git work tree of its own.

    ansible-test resolves symbolic links, so it does not accept a linked tree, and it tests the files that git lists.
    """
    tree = BUILD / name / "ansible_collections" / "waba" / "cluster"
    shutil.rmtree(BUILD / name, ignore_errors=True)
    for file in tracked_files():
        target = tree / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, target, follow_symlinks=False)
    for arguments in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *arguments], cwd=tree, check=True)
    return tree


def provide_pip_bootstrap(binaries: Path) -> None:
    """Put a bootstrap script for pip into the cache of an environment's ansible-test, which would download one."""
    script = "import ansible_test._internal.python_requirements as module; print(module.__file__)"
    found = subprocess.run([binaries / "python", "-c", script], capture_output=True, text=True, check=True)
    version = re.search(r"pip='([\d.]+)'", Path(found.stdout.strip()).read_text(encoding="utf-8"))
    if version is None:
        raise SystemExit("ansible-test no longer names its version of pip where tests/environments.py reads it")
    cache = Path.home() / ".ansible/test/cache" / f"get_pip_{version[1].replace('.', '_')}.py"
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests/tools/get_pip.py", cache)

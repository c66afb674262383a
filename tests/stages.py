"""The stages of tests/run.py: what each runs, and which of them `make test` runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from environments import (
    BUILD,
    ROOT,
    copied_tree,
    debian_packages,
    prometheus_binaries,
    provide_pip_bootstrap,
    python,
    virtual_environment,
)

BINARIES = Path(sys.executable).parent


@dataclass(frozen=True)
class Command:
    """A command that is ready to run. binaries: comes first on PATH."""

    arguments: list[str]
    folder: Path = ROOT
    binaries: Path = BINARIES
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PATH": f"{self.binaries}:{os.environ['PATH']}",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "PYTHONPATH": f"{ROOT / 'images/node/src'}:{ROOT / 'tests/support/pytest_plugin'}",
            "PYTEST_ADDOPTS": "-p progress",
            "NO_COLOR": "1",
            **self.variables,
        }


@dataclass(frozen=True)
class Stage:
    """A stage. prepare: returns its command, raises Unavailable. by_name: it runs only when it is named.

    may_fail: its failure is reported and does not fail the run.
    """

    prepare: Callable[[], Command]
    by_name: bool = False
    may_fail: bool = False


def command(*arguments: str, by_name: bool = False) -> Stage:
    return Stage(lambda: Command(list(arguments)), by_name)


def pytest(*arguments: str) -> Stage:
    return command(sys.executable, "-m", "pytest", *arguments)


def scenario(name: str, *, by_name: bool = True) -> Stage:
    return command("molecule", "test", "--scenario-name", name, by_name=by_name)


def ansible_test(kind: str, version: str, binaries: Path = BINARIES) -> Command:
    provide_pip_bootstrap(binaries)
    # `-v` makes pytest print a line for each test.
    verbose = ["-v"] if kind == "units" else []
    return Command(
        ["ansible-test", kind, *verbose, "--python", version, "--requirements", "--color", "no"],
        folder=copied_tree(f"ansible-test-{kind}"),
        binaries=binaries,
    )


def own_core(kind: str) -> Stage:
    """ansible-test of the ansible-core that `make site` runs."""
    return Stage(lambda: ansible_test(kind, f"{sys.version_info.major}.{sys.version_info.minor}"))


def other_core(kind: str, core: str, version: str, *, may_fail: bool = False) -> Stage:
    """ansible-test of another ansible-core, in an environment of its own. version: of Python."""

    def prepare() -> Command:
        requirements = (*(["--pre"] if may_fail else []), f"ansible-core{core}")
        name = f"core{core.rstrip('.*').strip('=~<>')}-python{version}"
        binaries = virtual_environment(name, python(version), *requirements, "PyYAML", "docker", "bcrypt")
        return ansible_test(kind, version, binaries)

    return Stage(prepare, by_name=True, may_fail=may_fail)


def tool(name: str, *arguments: str, by_name: bool = False) -> Stage:
    """A command of requirements/NAME.txt, whose libraries would not fit beside the project's."""

    def prepare() -> Command:
        binaries = virtual_environment(name, Path(sys.executable), "--requirement", f"requirements/{name}.txt")
        return Command(list(arguments), binaries=binaries, variables={"ANSIBLE_COLLECTIONS_PATH": str(BUILD)})

    return Stage(prepare, by_name)


def monitoring(*arguments: str, by_name: bool = False) -> Stage:
    """Tests of rules and dashboards, with Debian's Prometheus."""
    return Stage(lambda: Command(list(arguments), binaries=prometheus_binaries()), by_name)


def with_packages(*packages: str, tests: str, by_name: bool = False) -> Stage:
    """Tests that need Debian packages."""

    def prepare() -> Command:
        debian_packages(*packages)
        return Command([sys.executable, "-m", "pytest", tests])

    return Stage(prepare, by_name)


def in_browser(file: str) -> Stage:
    """A file of the node's tests that drives Debian's Chromium."""

    def prepare() -> Command:
        debian_packages("chromium", "chromium-driver")
        binaries = virtual_environment("console", Path(sys.executable), "--requirement", "requirements/console.txt")
        tests = f"images/node/tests/webapp/{file}"
        return Command(
            ["tests/tools/with_database", str(binaries / "python"), "-m", "pytest", tests], binaries=binaries
        )

    return Stage(prepare, by_name=True)


# In this order: a stage that is quick and finds most comes first.
STAGES: dict[str, Stage] = {
    "ruff": command("sh", "-c", "ruff check . && ruff format --check ."),
    "mypy": command("tests/tools/types"),
    "words": command("codespell"),
    "imports": Stage(lambda: Command(["lint-imports"], folder=ROOT / "images/node")),
    "changelog": command("antsibull-changelog", "lint"),
    "ansible-lint": command("ansible-lint"),
    "project": pytest("tests/project"),
    "alerts": monitoring(
        sys.executable, "-m", "pytest", *(f"tests/monitoring/test_{name}.py" for name in ("rules", "status", "verdict"))
    ),
    "collection-docs": tool("publishing", "tests/tools/collection_docs"),
    "docs-site": tool("publishing", "tests/site/build"),
    "licences": tool("publishing", "reuse", "lint"),
    "galaxy-importer": tool("publishing", "tests/tools/import_artifact"),
    "execution-environment": tool("execution-environment", "tests/tools/execution_environment", by_name=True),
    # Docker, Compose and the images that users get: later stages run against the real ones.
    "images": command("ansible-playbook", "-i", "molecule/default/inventory", "molecule/default/create.yml"),
    "inputs": with_packages("openssh-client", tests="tests/inputs"),
    "units": own_core("units"),
    "node": command("tests/tools/with_database", sys.executable, "-m", "pytest", "images/node/tests"),
    "console": in_browser("browser_console.py"),
    "console-pictures": in_browser("browser_pictures.py"),
    "database": pytest("tests/database"),
    "database-mysql": command("tests/database/on_mysql", by_name=True),  # Debian unstable is not whole every day
    # Also the playbook, and a Prometheus that scrapes a cluster of processes.
    "monitoring": monitoring(
        "tests/tools/with_database", sys.executable, "-m", "pytest", "tests/monitoring", by_name=True
    ),
    "acme": with_packages("lego", "pebble", tests="tests/acme", by_name=True),
    "sanity": own_core("sanity"),
    **{
        f"{kind}-core-{core}": other_core(kind, f"=={core}.*", version)
        for kind in ("units", "sanity")
        for core, version in (("2.19", "3.11"), ("2.20", "3.12"), ("2.21", "3.13"))
    },
    "units-core-prerelease": other_core("units", ">=2.22.0b1", "3.13", may_fail=True),
    "sanity-core-prerelease": other_core("sanity", ">=2.22.0b1", "3.13", may_fail=True),
    "molecule-nfs": scenario("nfs"),
    "molecule-default": scenario("default", by_name=False),
    "molecule-upgrade": scenario("upgrade"),
    "molecule-rotation": scenario("rotation"),
    "molecule-cloud": scenario("cloud"),
    "molecule-backup": scenario("backup"),
    "rehearse": command("ansible-playbook", "-i", "inventories/rehearsal", "playbooks/rehearse.yml", by_name=True),
    "molecule-killed": scenario("killed"),
    "molecule-drill": scenario("drill"),
    "molecule-database": scenario("database"),
    "molecule-database-ha": scenario("database_ha"),
    "molecule-members": scenario("members"),
    "molecule-chaos": scenario("chaos", by_name=False),
    "molecule-api-proxy": scenario("api_proxy"),
    "molecule-network": scenario("network"),
    "molecule-production": scenario("production"),
}

"""Prepare a release: ``release.py VERSION [--node VERSION] [--database VERSION]``, or ``make release VERSION=X.Y.Z``.

Writes the versions wherever they are stated and the generated pages, makes the changelog from its fragments, builds the
artifact in .build/artifact, and checks it. Commits nothing.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
VERSION = re.compile(r"\d+\.\d+\.\d+")
DEFAULTS, SPECIFICATION = "roles/common/defaults/main.yml", "roles/common/meta/argument_specs.yml"
# Scenarios and tools that start containers of the images. Unit tests use versions as sample data only.
WITH_IMAGES = ("molecule", "tests/bench", "tests/database", "tests/lab", "tests/support", "tests/tools")
CHECKS = ("changelog", "project", "licences", "collection-docs", "galaxy-importer")


@dataclass(frozen=True)
class Component:
    """A part of the collection with a version of its own.

    statements: by file, the pattern of the statement, whose first group is the version. images: in tests, the image
    names that carry the version in their tag. sources: the files whose change needs a new version.
    """

    statements: dict[str, str]
    images: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def patterns(self, root: Path) -> Iterator[tuple[Path, re.Pattern[str]]]:
        """Yield each file that states the version, with the pattern of the statement."""
        for file, pattern in self.statements.items():
            yield root / file, re.compile(pattern, re.MULTILINE)
        if self.images:
            tag = re.compile(rf"(?:{'|'.join(self.images)}):v({VERSION.pattern})(?![-\w])")
            for file in git(root, "ls-files", *WITH_IMAGES).splitlines():
                if (root / file).is_file():
                    yield root / file, tag


def setting(name: str) -> dict[str, str]:
    return {DEFAULTS: rf'^{name}: "(.+)"$', SPECIFICATION: rf'^ +{name}:\n +description: .+\n +default: "(.+)"$'}


COMPONENTS = {
    "collection": Component({"galaxy.yml": r"^version: (\S+)$"}),
    "node": Component(
        {
            "roles/images/files/node/src/waba_node/config.py": r'^VERSION = "(.+)"$',
            **setting("waba_version"),
            "molecule/chaos/create.yml": r"waba_version \| default\('(.+)'\)",
            "tests/bench/cloud.py": r'"--version", default="(.+?)"',
            "tests/bench/node.py": r'"--version", default="(.+?)"',
        },
        ("waba/node", "waba/monitoring"),
        (
            *(f"roles/images/files/node/{name}" for name in ("Containerfile", "bin", "packages.txt", "src")),
            "roles/images/files/monitoring",  # its tag has the node's version
        ),
    ),
    "database": Component(
        setting("waba_mysql_version"),
        ("waba/mariadb", "waba/mysql", "waba/haproxy"),
        tuple(f"roles/images/files/{name}" for name in ("mariadb", "mysql", "haproxy")),
    ),
}


class Refused(Exception):
    """The release cannot be prepared; the text is for the maintainer."""


def stated(component: Component, root: Path = ROOT) -> dict[str, set[str]]:
    """Return the versions that each file states. Raises Refused if a file lacks its statement."""
    found: dict[str, set[str]] = {}
    for file, pattern in component.patterns(root):
        versions = set(pattern.findall(file.read_text(encoding="utf-8", errors="replace")))
        name = file.relative_to(root).as_posix()
        if not versions and component.statements.get(name) == pattern.pattern:
            raise Refused(f"{name} does not state a version as {pattern.pattern}")
        if versions:
            found[name] = versions
    return found


def present(name: str, root: Path = ROOT) -> str:
    """Return the version of a component. Raises Refused if its files disagree."""
    found = stated(COMPONENTS[name], root)
    versions = set().union(*found.values())
    if len(versions) != 1:
        raise Refused(f"the version of the {name} is stated differently: {found}")
    return versions.pop()


def write(component: Component, version: str, root: Path) -> None:
    """Write a version wherever it is stated."""
    for file, pattern in component.patterns(root):
        text = file.read_text(encoding="utf-8", errors="replace")
        replaced = pattern.sub(lambda found: with_version(found, version), text)
        if replaced != text:
            file.write_text(replaced, encoding="utf-8")


def with_version(found: re.Match[str], version: str) -> str:
    """Return the text of a match with another version in its group."""
    begin, end = found.start(1) - found.start(), found.end(1) - found.start()
    return found[0][:begin] + version + found[0][end:]


def released(root: Path) -> list[str]:
    """Return the versions in the changelog, the newest last."""
    changelog: dict[str, Any] = yaml.safe_load((root / "changelogs/changelog.yaml").read_text(encoding="utf-8"))
    return sorted(changelog["releases"], key=numbers)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def refusals(versions: dict[str, str | None], root: Path) -> Iterator[str]:
    """Yield the reasons against a release. versions: the requested one of each component, None for no change."""
    if git(root, "status", "--porcelain", "--untracked-files=no"):
        yield "the work tree has changes: commit them first"
    given = {name: version for name, version in versions.items() if version is not None}
    invalid = [version for version in given.values() if not VERSION.fullmatch(version)]
    if invalid:
        yield f"not a version of the form X.Y.Z: {', '.join(invalid)}"
        return
    for name, version in given.items():
        if numbers(version) < numbers(present(name, root)):
            yield f"the {name} has version {present(name, root)} already, which is newer than {version}"
    former = released(root)[-1:]
    if former and numbers(given["collection"]) <= numbers(former[0]):
        yield f"{former[0]} is released already: the collection needs a newer version than {given['collection']}"
    if former and git(root, "tag", "--list", former[0]):
        yield from unversioned_changes(given, former[0], root)


def unversioned_changes(given: dict[str, str], tag: str, root: Path) -> Iterator[str]:
    """Yield the components whose image changed since the release with this tag while its version does not."""
    for name, component in COMPONENTS.items():
        changed = component.sources and git(root, "diff", "--name-only", tag, "--", *component.sources)
        if changed and given.get(name, present(name, root)) == former_version(component, tag, root):
            yield f"the image of the {name} changed since {tag} ({changed.splitlines()[0]}, ...): give a new --{name}"


def former_version(component: Component, tag: str, root: Path) -> str | None:
    """Return the version that a component had at a tag, None if it was stated otherwise."""
    file, pattern = next(iter(component.statements.items()))
    found = re.search(pattern, git(root, "show", f"{tag}:{file}"), re.MULTILINE)
    return found[1] if found else None


def prepare(versions: dict[str, str | None], root: Path = ROOT) -> None:
    """Write the versions, the generated pages and the changelog. Raises Refused before anything is changed."""
    reasons = list(refusals(versions, root))
    if reasons:
        raise Refused("\n".join(reasons))
    for name, version in versions.items():
        if version is not None:
            write(COMPONENTS[name], version, root)
    subprocess.run([sys.executable, root / "tests/tools/reference_pages.py"], cwd=root, check=True)
    subprocess.run(["antsibull-changelog", "release", "--reload-plugins"], cwd=root, check=True)


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def main() -> int:
    parser = argparse.ArgumentParser(description="Prepare a release of the collection.")
    parser.add_argument("version", help="of the collection, X.Y.Z")
    parser.add_argument("--node", help="new version of the node's image; required if its sources changed")
    parser.add_argument("--database", help="new version of the database images; required if their sources changed")
    given = parser.parse_args()
    try:
        prepare({"collection": given.version, "node": given.node, "database": given.database})
    except Refused as reasons:
        print(f"No release is prepared:\n{reasons}", file=sys.stderr)
        return 1
    if subprocess.run([sys.executable, "tests/run.py", *CHECKS], cwd=ROOT, check=False).returncode:
        print("The checks failed. `git reset --hard` returns to the state before the release.", file=sys.stderr)
        return 1
    print(f"""Prepared .build/artifact/waba-cluster-{given.version}.tar.gz. Read CHANGELOG.rst, then:
  git add --all && git commit --message "Release {given.version}" && git tag --sign {given.version} --message {given.version}
  ansible-galaxy collection publish .build/artifact/waba-cluster-{given.version}.tar.gz""")
    return 0


if __name__ == "__main__":
    sys.exit(main())

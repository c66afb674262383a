# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program that makes scheduled backups: a zip file with the job and every file of the collection that it imports.

It needs Python and the Docker SDK only.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import zipfile
from collections.abc import Iterator

from ansible_collections.waba.cluster.plugins.module_utils._internal.backup.io import job

COLLECTION = "ansible_collections.waba.cluster.plugins.module_utils._internal."
TIMESTAMP = (1980, 1, 1, 0, 0, 0)  # the same program has the same bytes on every host
MAIN = f"import sys\n\nfrom {job.__name__} import main\n\nsys.exit(main())\n"


def build() -> bytes:
    """Return the program. It is not compressed, so that its bytes do not depend on the version of a library."""
    sources = dict(sorted(_sources(job.__name__).items()))
    packages = {name.rpartition(".")[0] for name in sources}
    packages |= {package[:index] for package in packages for index, letter in enumerate(package) if letter == "."}
    files = {f"{package.replace('.', '/')}/__init__.py": "" for package in packages}
    files.update({f"{name.replace('.', '/')}.py": text for name, text in sources.items()})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, text in sorted({**files, "__main__.py": MAIN}.items()):
            entry = zipfile.ZipInfo(path, TIMESTAMP)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text)
    return buffer.getvalue()


def _sources(name: str) -> dict[str, str]:
    """Return {module: source} of a module of the collection and of those that it imports."""
    found: dict[str, str] = {}
    pending = [name]
    while pending:
        current = pending.pop()
        if current in found:
            continue
        source = _source(current)
        if source is None:
            continue
        found[current] = source
        pending.extend(_imports(source))
    return found


def _source(name: str) -> str | None:
    """Return the source of a module, None for a package and for a name in a module."""
    try:
        spec = importlib.util.find_spec(name)
    except ImportError:
        return None
    if spec is None or spec.loader is None or spec.submodule_search_locations is not None:
        return None
    source: str = spec.loader.get_source(name)  # type: ignore[attr-defined]
    return source


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(COLLECTION):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)

# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's files as text, and the difference between what is there and what should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils import contract
from ansible_collections.waba.cluster.plugins.module_utils.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils.compose.documents import compose_documents

try:
    from yaml import SafeDumper, YAMLError, dump, safe_load

    HAS_YAML = True
except ImportError:  # on a bare host, where check mode still has to say what would come
    SafeDumper, YAMLError, HAS_YAML = object, ValueError, False  # type: ignore[misc, assignment]


class _Indented(SafeDumper):
    """Indents lists below their key, as people write them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - the signature is PyYAML's
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True


def host_files(
    nodes: Sequence[Mapping[str, Any]],
    params: Mapping[str, Any],
    environment: Mapping[str, str],
    database_environment: Mapping[str, str],
    documents: Mapping[str, Any] | None = None,
) -> dict[str, tuple[str, int]]:
    """Return {file name: (text, mode)} for a host, environment files first, since Compose reads them with the others.

    nodes: as from `nodes.plan_nodes`. params: the options they were planned from. The environments: {str: str}, checked.
    documents: {file name: Compose document}, when they are others than those planned from nodes and params.
    """
    mark, files = contract.header(params["cluster_name"]), {}
    if any(node["role"] != "mysql" for node in nodes):
        files[contract.NODE_ENVIRONMENT_FILE] = (dotenv.render(environment, mark), 0o600)
    if any(node["role"] == "mysql" for node in nodes):
        files[contract.DATABASE_ENVIRONMENT_FILE] = (dotenv.render(database_environment, mark), 0o600)
    for name, document in (documents or compose_documents(nodes, params)).items():
        files[name] = (compose_text(document, mark), 0o644)
    return files


def compose_text(document: Mapping[str, Any], mark: str) -> str:
    """Return a Compose document (dict) as YAML text under a comment line. No value is open to interpolation.

    Without PyYAML the text is a stand-in that differs from every real file; it is for check mode alone.
    """
    if not HAS_YAML:
        return f"# {mark}\n# Its text can be shown once PyYAML is on this host.\n"
    body = dump(
        _literal(document), Dumper=_Indented, sort_keys=False, default_flow_style=False, width=160, allow_unicode=True
    )
    return f"# {mark}\n{body}"


def document_of(text: str) -> dict[str, Any]:
    """Return the Compose document (dict) in a text that `compose_text` made; {} where it is no such text."""
    try:
        found = safe_load(text)
    except YAMLError:
        return {}
    return _unescaped(found) if isinstance(found, dict) and isinstance(found.get("services"), dict) else {}


def _unescaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unescaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unescaped(item) for item in value]
    return value.replace("$$", "$") if isinstance(value, str) else value


def _literal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _literal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_literal(item) for item in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def file_diff(path: str, before: tuple[str, int] | None, after: tuple[str, int] | None, key: bytes) -> dict[str, str]:
    """Return Ansible's diff dict of one file. before, after: text and mode, or None where there is no file. key: see `dotenv.masked`."""

    def shown(state: tuple[str, int] | None) -> str:
        if state is None:
            return ""
        text, mode = state
        return f"mode: {mode:04o}\n" + (dotenv.masked(text, key) if path.endswith(".env") else text)

    return {"before_header": path, "after_header": path, "before": shown(before), "after": shown(after)}

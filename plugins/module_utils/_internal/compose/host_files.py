# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Render the files of a host as text, and their differences from the existing files as diffs without secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.waba.cluster.plugins.module_utils._internal import contract
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose import dotenv
from ansible_collections.waba.cluster.plugins.module_utils._internal.compose.documents import compose_documents

try:
    from yaml import SafeDumper, YAMLError, dump, safe_load

    HAS_YAML = True
except ImportError:  # check mode must also work on a host that is not prepared yet
    SafeDumper, YAMLError, HAS_YAML = object, ValueError, False  # type: ignore[misc, assignment]


class _Indented(SafeDumper):
    """Indents lists below their key, and writes every value in full."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's signature
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


def host_files(
    nodes: Sequence[Mapping[str, Any]],
    params: Mapping[str, Any],
    environment: Mapping[str, str],
    database_environment: Mapping[str, str],
    documents: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, tuple[str, int]]:
    """Return {file name: (text, mode)} for a host. Environment files come first, since the Compose files refer to them.

    nodes: as from `nodes.plan_nodes`. params: the options they were planned from. Both environments: as from `dotenv.checked`.
    documents: {file name: Compose document} to render in place of the documents planned from nodes and params.
    """
    header = contract.header(params["cluster_name"])
    files = {}
    if any(node["role"] in ("master", "coreapp", "webapp") for node in nodes):
        files[contract.NODE_ENVIRONMENT_FILE] = (dotenv.render(environment, header), 0o600)
    if any(node["role"] == "mysql" for node in nodes):
        files[contract.DATABASE_ENVIRONMENT_FILE] = (dotenv.render(database_environment, header), 0o600)
    group = params["arbitrator"] or (params["database"] or {}).get("member")
    if group:
        addresses = "".join(f"{address}\n" for address in group["addresses"])
        files[contract.MEMBERS_FILE] = (f"# {header}\n{addresses}", 0o644)
    if params["proxy"]:
        files[contract.PROXY_FILE] = (f"# {header}\n{params['proxy']['configuration']}", 0o644)
    if params["api_proxy"]:
        files[contract.API_PROXY_FILE] = (f"# {header}\n{params['api_proxy']['configuration']}", 0o644)
        if address := params["api_proxy"]["address"]:
            files[contract.API_ADDRESS_FILE] = (f"# {header}\n{address['configuration']}", 0o644)
    for name, document in (documents or compose_documents(nodes, params)).items():
        files[name] = (compose_text(document, header), 0o644)
    return files


def compose_text(document: Mapping[str, Any], header: str) -> str:
    """Return a Compose document as YAML text below a comment line. Dollar signs are escaped, so Compose interpolates no value.

    Without PyYAML, return a placeholder for check mode, which differs from every real file.
    """
    if not HAS_YAML:
        return f"# {header}\n# The text is rendered once this host has PyYAML.\n"
    body: str = dump(
        _escaped(document), Dumper=_Indented, sort_keys=False, default_flow_style=False, width=160, allow_unicode=True
    )
    return f"# {header}\n{body}"


def parsed_document(text: str) -> dict[str, Any]:
    """Return the Compose document in a text that `compose_text` rendered, {} if the text is not a Compose file."""
    try:
        found = safe_load(text)
    except YAMLError:
        return {}
    if not isinstance(found, dict) or not isinstance(found.get("services"), dict):
        return {}
    return {key: _unescaped(item) for key, item in found.items()}


def _unescaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unescaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unescaped(item) for item in value]
    return value.replace("$$", "$") if isinstance(value, str) else value


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def file_diff(
    path: str, before: tuple[str, int, int] | None, after: tuple[str, int] | None, key: bytes
) -> dict[str, str]:
    """Return the Ansible diff of one file, without secrets. before: as from `files.read`. after: (text, mode), None for no file. key: see `dotenv.masked`."""

    def redacted(state: tuple[Any, ...] | None) -> str:
        if state is None:
            return ""
        text, mode = state[:2]
        return f"mode: {mode:04o}\n" + (dotenv.masked(text, key) if path.endswith(".env") else text)

    return {"before_header": path, "after_header": path, "before": redacted(before), "after": redacted(after)}

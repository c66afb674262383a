"""Write docs/reference/settings.md and contents.md from the roles, playbooks and modules. Run it as a program from any folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
REGENERATE = ".venv/bin/python tests/tools/reference_pages.py"
GENERATED = f"<!-- Generated from the code: {REGENERATE} -->\n"
SHARED_ROLE = "common"  # its settings apply to the whole cluster and come first
MARKUP = re.compile(r"\b[BCEIMOPRUV]\(((?:[^()\\]|\\.|\([^()]*\))*)\)")

SETTINGS_HEAD = f"""# Settings
{GENERATED}
Every setting of the roles, from their argument specifications. Set them in the inventory.
`ansible-doc -t role waba.cluster.ROLE` prints the same for one role.
"""
CONTENTS_HEAD = f"""# Playbooks, roles and modules
{GENERATED}
Playbooks run as `ansible-playbook waba.cluster.NAME -i INVENTORY`. `ansible-doc waba.cluster.MODULE` documents a module,
`ansible-doc -t role waba.cluster.ROLE` a role.
"""


def markdown(text: str) -> str:
    """Return a description with Ansible's markup, such as C(x) or O(x), as Markdown."""
    return MARKUP.sub(lambda match: f"`{match[1]}`", text)


def paragraphs(description: str | list[str] | None) -> str:
    lines = [description] if isinstance(description, str) else description or []
    return " ".join(markdown(line) for line in lines)


def specifications(role: Path) -> dict[str, Any]:
    """Return the entry points of a role's argument specification, {} for a role without one."""
    file = role / "meta" / "argument_specs.yml"
    specs: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))["argument_specs"] if file.exists() else {}
    return specs


def summary(role: Path) -> str:
    """Return the short description of a role's first entry point."""
    first: dict[str, Any] = next(iter(specifications(role).values()), {})
    return markdown(first.get("short_description", ""))


def roles() -> list[Path]:
    found = sorted(path for path in (ROOT / "roles").iterdir() if (path / "meta").is_dir())
    return sorted(found, key=lambda role: role.name != SHARED_ROLE)


def literal(value: Any) -> str:
    """Return a default as inline code, "none" for empty text."""
    if value == "":
        return "none"
    text = (
        value
        if isinstance(value, str)
        else yaml.safe_dump(value, default_flow_style=True, width=10000, sort_keys=False)
    )
    return f"`{' '.join(text.removesuffix('...' + chr(10)).split())}`"


def option_lines(name: str, option: dict[str, Any]) -> Iterator[str]:
    """Yield the Markdown lines of a top-level option."""
    yield f"### {name}"
    yield ""
    yield paragraphs(option.get("description"))
    yield ""
    kind = option.get("type", "str")
    facts = [f"{kind} of {option['elements']}" if "elements" in option else kind]
    if "choices" in option:
        facts.append("one of " + ", ".join(f"`{choice}`" for choice in option["choices"]))
    if option.get("required"):
        facts.append("required")
    elif "default" in option:
        facts.append(f"default: {literal(option['default'])}")
    yield f"*Type:* {'; '.join(facts)}"
    yield ""
    if option.get("options"):
        yield from suboption_lines(option["options"], "")
        yield ""


def suboption_lines(options: dict[str, Any], indent: str) -> Iterator[str]:
    """Yield the Markdown list items of an option's options, nested ones included."""
    for name, option in options.items():
        choices = f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}." if "choices" in option else ""
        default = f" Default: {literal(option['default'])}." if "default" in option else ""
        required = " Required." if option.get("required") else ""
        yield f"{indent}- `{name}`: {paragraphs(option.get('description'))}{choices}{default}{required}"
        yield from suboption_lines(option.get("options") or {}, f"{indent}  ")


def settings_page() -> str:
    lines = [SETTINGS_HEAD]
    for role in roles():
        options = {
            name: option
            for entry in specifications(role).values()
            for name, option in (entry.get("options") or {}).items()
        }
        if options:
            lines += [f"## {role.name}", "", f"{summary(role)}.", ""]
            for name, option in options.items():
                lines += option_lines(name, option)
    return "\n".join(lines).rstrip() + "\n"


def leading_comment(playbook: Path) -> str:
    """Return the comment at the top of a playbook, as one line."""
    lines = [line for line in playbook.read_text(encoding="utf-8").splitlines() if line != "---"]
    comment = []
    for line in lines:
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# "))
    return " ".join(comment)


def module_summary(module: Path) -> str:
    documentation = re.search(r'DOCUMENTATION = r?"""(.*?)"""', module.read_text(encoding="utf-8"), re.DOTALL)
    return markdown(yaml.safe_load(documentation[1])["short_description"]) if documentation else ""


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def contents_page() -> str:
    lines = [CONTENTS_HEAD, "## Playbooks", "", "| playbook | purpose |", "| --- | --- |"]
    lines += [
        f"| `{playbook.stem}` | {cell(leading_comment(playbook))} |"
        for playbook in sorted((ROOT / "playbooks").glob("*.yml"))
    ]
    lines += ["", "## Roles", "", "| role | purpose |", "| --- | --- |"]
    lines += [f"| `{role.name}` | {cell(summary(role))} |" for role in roles()]
    lines += ["", "## Modules", "", "| module | purpose |", "| --- | --- |"]
    lines += [
        f"| `{module.stem}` | {cell(module_summary(module))} |"
        for module in sorted((ROOT / "plugins" / "modules").glob("*.py"))
        if module.stem != "__init__"
    ]
    return "\n".join(lines) + "\n"


PAGES = {"settings.md": settings_page, "contents.md": contents_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")

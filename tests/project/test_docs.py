"""Links, citations and generated pages of the documentation."""

from __future__ import annotations

import functools
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from environments import tracked_files  # noqa: E402


def module(path: str) -> ModuleType:
    """Import a file of the repository that is in no package."""
    specification = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert specification is not None
    assert specification.loader is not None
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded


reference_pages = module("tests/tools/reference_pages.py")
cloud_api_page = module("tests/tools/cloud_api_page.py")
GENERATION = module("plugins/module_utils/_internal/secrets/generation.py")

LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)")
CITATION = re.compile(r"\bdocs/[\w./-]+\.md(?:#[\w-]+)?")
DECISION = re.compile(r"\b(?:ADRs? |docs/adr/)(\d{4})\b")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
FENCE = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
# Documents and folders that a reader of the repository does not have.
UNAVAILABLE = re.compile(r"vendor facts?\b|the seed's|the mission\b|design card")
# This file contains the pattern itself.
OWN_NAME = Path(__file__).relative_to(ROOT).as_posix()
# Groups of the inventory, and words that are no settings.
GROUPS = {"waba_mysql", "waba_masters", "waba_coreapps", "waba_webapps", "waba_nfs_server", "waba_nfs_clients"} | {
    "waba_api_proxies",
    "waba_arbitrator",
    "waba_ask",
    "waba_monitoring",
    "waba_probe",
    "waba_coreap_instances",  # the misspelling that preflight refuses
    "waba_node",
    "waba_secrets",
    "nfs_mount",
    "nfs_server",
    "docker_host",
}
# Subjects whose comments do not yet cite docs/reference/vendor-contract.md or docs/adr.
PENDING = (
    "plugins/module_utils/_internal/compose/",
    "plugins/module_utils/_internal/preflight/",
    "tests/unit/plugins/module_utils/_internal/compose/",
)


@functools.cache
def texts() -> dict[str, str]:
    """Return the tracked text files by path, except test data that is not text."""
    contents = {name: (ROOT / name).read_bytes() for name in tracked_files()}
    return {
        name: content.decode(encoding="utf-8", errors="replace")
        for name, content in contents.items()
        if b"\0" not in content
    }


def pages() -> list[str]:
    return [name for name in texts() if name.endswith(".md")]


def without_code(markdown: str) -> str:
    return FENCE.sub("", markdown)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    result = set()
    for heading in HEADING.findall(without_code(page.read_text(encoding="utf-8"))):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        count = found.get(slug, 0)
        found[slug] = count + 1
        result.add(f"{slug}-{count}" if count else slug)
    return result


def broken(target: str, folder: Path) -> bool:
    """Return whether a relative target, with or without an anchor, does not exist."""
    path, _hash, anchor = target.partition("#")
    file = (folder / path).resolve() if path else None
    if file is not None and not file.exists():
        return True
    return bool(anchor) and file is not None and file.suffix == ".md" and anchor not in anchors(file)


@pytest.mark.parametrize("page", pages())
def test_links_resolve(page: str) -> None:
    found = LINK.findall(without_code(texts()[page]))
    relative = [link for link in found if not link.startswith(("http://", "https://", "mailto:"))]
    own = [link for link in relative if link.startswith("#") and link[1:] not in anchors(ROOT / page)]
    assert own + [link for link in relative if broken(link, (ROOT / page).parent)] == []


def test_citations_of_pages_resolve() -> None:
    found = {(name, cited) for name, text in texts().items() for cited in CITATION.findall(text)}
    assert sorted((name, cited) for name, cited in found if broken(cited, ROOT)) == []


def test_citations_of_decisions_resolve() -> None:
    known = {path.name[:4] for path in (ROOT / "docs" / "adr").glob("[0-9]*.md")}
    found = {(name, number) for name, text in texts().items() for number in DECISION.findall(text)}
    assert sorted((name, number) for name, number in found if number not in known) == []


def test_every_decision_is_listed() -> None:
    listed = texts()["docs/adr/README.md"]
    assert [path.name for path in (ROOT / "docs" / "adr").glob("[0-9]*.md") if f"({path.name})" not in listed] == []


def test_every_page_is_listed() -> None:
    listed = texts()["docs/README.md"]
    unlisted = [
        name
        for name in pages()
        if name.startswith("docs/") and not name.startswith("docs/adr/") and name != "docs/README.md"
        if f"({name.removeprefix('docs/')})" not in listed
    ]
    assert unlisted == []


@pytest.mark.parametrize("name", sorted(reference_pages.PAGES))
def test_generated_pages_are_current(name: str) -> None:
    assert reference_pages.PAGES[name]() == (reference_pages.REFERENCE / name).read_text(encoding="utf-8"), (
        f"run {reference_pages.REGENERATE}"
    )


def test_the_page_of_the_cloud_api_is_current() -> None:
    assert cloud_api_page.page() == cloud_api_page.PAGE.read_text(encoding="utf-8"), f"run {cloud_api_page.REGENERATE}"


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    """The tool imports the collection. Files of tests install Ansible's loader of collections while pytest collects them."""
    return module("tests/tools/pictures.py")


def test_pictures_are_current(pictures: ModuleType) -> None:
    for name, picture in pictures.PICTURES.items():
        assert picture() == (pictures.IMAGES / name).read_text(encoding="utf-8"), f"run {pictures.REGENERATE}"


def test_the_guide_has_the_table_of_the_drill_in_the_picture(pictures: ModuleType) -> None:
    assert f"```text\n{pictures.drill_table()}\n```" in texts()["docs/operate/drill.md"]


def test_every_picture_is_in_a_guide() -> None:
    guides = "".join(texts()[page] for page in pages())
    assert [path.name for path in (ROOT / "docs/images").iterdir() if f"images/{path.name}" not in guides] == []


def test_every_playbook_role_and_module_is_documented() -> None:
    contents = texts()["docs/reference/contents.md"]
    named = [path.stem for path in (ROOT / "playbooks").glob("*.yml")]
    named += [role.name for role in reference_pages.roles()]
    named += [path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")]
    assert [name for name in named if f"| `{name}` | " not in contents or f"| `{name}` |  |" in contents] == []


def test_the_readme_names_every_playbook() -> None:
    playbooks = {path.stem for path in (ROOT / "playbooks").glob("*.yml")} - {"topology"}  # the others import it
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| \[", texts()["README.md"], re.MULTILINE)
    assert playbooks - set(re.findall(r"`(\w+)", " ".join(rows))) == set()


def test_every_playbook_has_instructions() -> None:
    guides = "\n".join(
        text for name, text in texts().items() if re.match(r"docs/[a-z]+/", name) and "reference" not in name
    )
    playbooks = [path.stem for path in (ROOT / "playbooks").glob("*.yml")]
    assert [name for name in playbooks if not re.search(rf"waba\.cluster\.{name}\b|\b{name}\.yml\b", guides)] == []


def test_the_code_layout_names_every_package_and_role() -> None:
    node, shared = ROOT / "images/node/src/waba_node", ROOT / "plugins/module_utils/_internal"
    names = {path.stem for path in node.iterdir() if path.is_dir() or path.suffix == ".py"}
    names |= {path.name for path in shared.iterdir() if path.is_dir()} | {role.name for role in reference_pages.roles()}
    named = set(re.findall(r"`(\w+)`", texts()["docs/contribute/code-layout.md"]))
    assert names - named - {"__init__", "__pycache__"} == set()


def test_first_behaviours_lead_to_the_files_that_decide_them() -> None:
    """A newcomer finds at least ten behaviours by name, each with source files that exist."""
    page = ROOT / "docs/contribute/code-layout.md"
    section = page.read_text(encoding="utf-8").partition("## Find a behaviour")[2]
    rows = re.findall(r"^\| (\w.+?) \| (\[.+?) \|$", section, re.MULTILINE)
    assert len(rows) == len({behaviour for behaviour, _files in rows}) >= 10
    for behaviour, files in rows:
        for title, target in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", files):
            assert (page.parent / target).exists(), behaviour
            assert target.endswith(f"/{title}"), behaviour


# Groups and results of a run, and metrics, which are no settings.
OF_A_RUN = re.compile(r"waba_(cluster|apply|topology|plan|backup_last|backup_max_age_seconds)(_|$)")


def test_settings_in_the_guides_exist() -> None:
    known = set(re.findall(r"^### (\w+)", texts()["docs/reference/settings.md"], re.MULTILINE))
    known |= set(re.findall(r"^\| `(\w+)` \|", texts()["docs/configure/secrets.md"], re.MULTILINE))
    unknown = {
        (name, word)
        for name in pages()
        for word in re.findall(
            r"(?<![\w./-])(?:waba|images|nfs_mount|nfs_server|docker_host|firewall)_[a-z0-9_]+\b(?!\.)", texts()[name]
        )
        if word not in known | GROUPS and not OF_A_RUN.match(word)
    }
    assert unknown == set()


def test_the_example_of_a_new_setting_is_current() -> None:
    """The page lists every file that takes part in the example's setting, and no other."""
    page = "docs/contribute/adding-a-setting.md"
    listed = set(re.findall(r"^\| `([^`]+)` \|", texts()[page], re.MULTILINE))
    used = {name for name, text in texts().items() if "clock_tolerance" in text and not name.startswith("changelogs/")}
    assert used - {page, OWN_NAME} == listed


def test_the_excerpts_of_a_new_setting_are_current() -> None:
    """A block after a line with only a path in backticks is a part of that file; indentation does not count."""
    page = texts()["docs/contribute/adding-a-setting.md"]
    excerpts = re.findall(r"^`([^`]+)`:\n\n```\w+\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len(excerpts) > 10
    assert [name for name, excerpt in excerpts if unindented(excerpt) not in unindented(texts()[name])] == []


def unindented(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def test_paths_on_the_control_node_are_listed_for_execution_environments() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", texts()["docs/install/execution-environments.md"], re.MULTILINE)
    paths = {
        name
        for role in reference_pages.roles()
        for entry in reference_pages.specifications(role).values()
        for name, option in (entry.get("options") or {}).items()
        if option.get("type") == "path"
        and re.search("controller|control node|beside the inventory", reference_pages.paragraphs(option["description"]))
    }
    assert paths == set(listed)


def test_only_available_documents_are_cited() -> None:
    cited = [
        (name, match[0])
        for name, text in texts().items()
        if name != OWN_NAME and not name.startswith(PENDING)
        for match in UNAVAILABLE.finditer(text)
    ]
    assert cited == []


def quick_start() -> str:
    """Return the README's commands that log in and send a message."""
    blocks = re.findall(r"```sh\n(.*?)```", texts()["README.md"], re.DOTALL)
    (block,) = (block for block in blocks if "PASSWORD=" in block)
    return block


def test_the_readme_reads_the_generated_password(tmp_path: Path) -> None:
    password = "aB3.x-9_+"
    secrets = tmp_path / "inventories" / "single_server" / "group_vars" / "all" / "waba_secrets.yml"
    secrets.parent.mkdir(parents=True)
    secrets.write_text(
        GENERATION.appended("", {"waba_api_key": "x", "waba_admin_password": password}), encoding="utf-8"
    )
    line = next(line for line in quick_start().splitlines() if line.startswith("PASSWORD="))
    assert shell(f'{line}\nprintf %s "$PASSWORD"', tmp_path) == password


def test_the_readme_reads_the_token_of_a_login(tmp_path: Path) -> None:
    answer = '{"users": [{"token": "a.b-c_d", "expires_after": "2026-01-31 12:00:00+00:00"}], "meta": {"version": "1"}}'
    line = next(line for line in quick_start().splitlines() if line.startswith("TOKEN="))
    script = f"PASSWORD=x; curl() {{ printf '%s\\n' '{answer}'; }}\n{line}\nprintf %s \"$TOKEN\""
    assert shell(script, tmp_path) == "a.b-c_d"


def test_the_first_guide_has_the_commands_of_the_readme() -> None:
    assert quick_start() in texts()["docs/install/one-machine.md"]


def shell(script: str, folder: Path) -> str:
    return subprocess.run(["bash", "-euc", script], cwd=folder, check=True, capture_output=True, text=True).stdout

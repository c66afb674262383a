"""docs/reference/api.md lists every call with its access. Run as a program with the tests' PYTHONPATH, this file rewrites the table."""

from __future__ import annotations

from pathlib import Path

from conformance import DOCUMENT
from waba_node.webapp.calls import CALLS
from waba_node.webapp.calls.retired import CALLS as RETIRED

HEAD = "| call | who | what |"
PAGE = Path(__file__).resolve().parents[6] / "docs" / "reference" / "api.md"


def table() -> str:
    """Return the calls as a table, without those that always answer 410."""
    rows = [
        f"| `{call.method} {call.path}` | {call.access} | {DOCUMENT['paths'][call.path][call.method.lower()]['summary'][:-1]} |"
        for call in sorted(CALLS, key=lambda call: call.path)
        if call not in RETIRED
    ]
    return "\n".join([HEAD, "| --- | --- | --- |", *rows])


def test_api_page_lists_every_call_with_its_access() -> None:
    assert table() in PAGE.read_text(encoding="utf-8"), "run this file as a program to update the table"


if __name__ == "__main__":
    before, _head, rest = PAGE.read_text(encoding="utf-8").partition(HEAD)
    PAGE.write_text(f"{before}{table()}\n\n{rest.partition(chr(10) * 2)[2]}", encoding="utf-8")

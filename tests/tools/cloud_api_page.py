"""Write docs/reference/cloud-api.md from the tables of the translation. Run it as a program with the project's Python, from any folder."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "images" / "node" / "src"))

from waba_node.upstream.cloud.translation import calls, errors, messages, profile, shapes, webhooks  # noqa: E402
from waba_node.upstream.cloud.translation.sources import SOURCES  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "cloud-api.md"
REGENERATE = ".venv/bin/python tests/tools/cloud_api_page.py"

HEAD = f"""# Cloud API
<!-- Generated from the code: {REGENERATE} -->

Clients speak the on-premises API; the Cloud API upstream delivers their messages through Meta's Cloud API. This page lists
every call, field, webhook and error of the on-premises API with its counterpart. It is made from the tables that the
node translates by. "none" means that there is no counterpart; the note says what happens instead. The column "source"
names entries of [Sources](#sources).

A message is claimed before it is posted, because the Cloud API has no idempotency key:
[ADR 0024](../adr/0024-claim-before-cloud-post.md).
"""
WITHOUT_REQUEST = """Requests of the Cloud API without a counterpart on-premises, which clients therefore cannot send: reactions, flows, links as
buttons, catalog messages, carousels outside templates, requests for a location, an address or a phone number, and typing
indicators.
"""
WEBHOOKS_HEAD = """Meta's webhooks arrive at a listener of their own. Each is split into updates; each update becomes one webhook or status of the
on-premises API. A user without a phone number appears with the user id of the Cloud API in `from` and `wa_id`, and is
accepted in `to`. Timestamps in milliseconds become seconds, and digests in base64 become hexadecimal. Changes of other
fields than `messages`, of other phone numbers and of groups are ignored.
"""
ERRORS_HEAD = f"""An error of an answer decides how the cluster goes on with the message. A client learns of it by a status `failed` with the
on-premises code. The details of that error contain Meta's text and code. The same table translates the errors in webhooks. The titles are
those of the [on-premises errors]({SOURCES["onprem-errors"][1]}).
"""


def cell(text: object) -> str:
    return str(text).replace("|", "\\|")


def table(head: str, rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield the lines of a table. head: the names of the columns, separated by `|`."""
    columns = [column.strip() for column in head.split("|")]
    yield "| " + " | ".join(columns) + " |"
    yield "| " + " | ".join("---" for _column in columns) + " |"
    for row in rows:
        yield "| " + " | ".join(cell(value) for value in row) + " |"
    yield ""


def code(text: str) -> str:
    return f"`{text}`"


def onprem(name: str) -> str:
    return code(name) if name else "none"


def sources(keys: str) -> str:
    return ", ".join(keys.split())


def counterpart(field: shapes.Field) -> str:
    if field.shape and field.rule is not shapes.Rule.FILE:
        return f"object {field.shape}"
    return field.rule.value


def listed(names: Iterable[str]) -> str:
    return ", ".join(code(name) for name in names)


def note(field: shapes.Field) -> str:
    return " ".join(part for part in (f"Of type {listed(field.of.split())}." if field.of else "", field.note) if part)


def fields(described: shapes.Shapes) -> Iterator[str]:
    """Yield the table of the fields of objects. Fields of an object with the same treatment share a row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for name, shape in described.items():
        for field in shape.fields:
            key = (name, counterpart(field), note(field), sources(shape.source))
            rows.setdefault(key, []).append(code(field.name))
    yield from table(
        "object | fields | counterpart | note | source",
        ((name, ", ".join(names), *treatment) for (name, *treatment), names in rows.items()),
    )


def call_lines() -> Iterator[str]:
    yield from ("## Calls", "")
    yield from table(
        "call | counterpart | note | source",
        ((listed(rule.calls), rule.cloud or "none", rule.note, sources(rule.source)) for rule in calls.CALLS),
    )
    yield "The calls of `/v1/groups` and `/v1/stickerpacks` answer 410 with any upstream."
    yield ""


def message_lines() -> Iterator[str]:
    yield from ("## Messages", "", "### Envelope", "")
    yield from table(
        "field | counterpart | note | source",
        (
            (code(name), rule.cloud or "none", rule.note, sources(rule.source))
            for name, rule in messages.ENVELOPE.items()
        ),
    )
    yield from ("### Types", "")
    yield from table(
        "type | counterpart | content | note | source",
        (
            (code(name), code(rule.cloud), rule.field.shape or "by its type", rule.note, sources(rule.source))
            for name, rule in messages.MESSAGES.items()
        ),
    )
    forms = listed(messages.INTERACTIVE)
    yield f"Interactive messages: {forms}; their contents are the objects `interactive_<type>`."
    yield ""
    yield WITHOUT_REQUEST
    yield from (
        "### Fields",
        "",
        "A field that is not listed is not passed on: the Cloud API refuses unknown properties.",
        "",
    )
    yield from fields(messages.SHAPES)


def webhook_lines() -> Iterator[str]:
    yield from ("## Webhooks", "", WEBHOOKS_HEAD, "### Received messages", "")
    rows = [*((code(name), rule) for name, rule in webhooks.INBOUND.items()), ("any other", webhooks.ANY_OTHER)]
    yield from table(
        "type in the Cloud API | on-premises | note | source",
        ((name, onprem(rule.onprem), rule.note, sources(rule.source)) for name, rule in rows),
    )
    yield from ("### Replies to interactive messages", "")
    yield from table(
        "type | on-premises | note | source",
        (
            (code(name), "same", field.note, sources(webhooks.SHAPES[field.shape].source))
            for name, field in webhooks.REPLIES.items()
        ),
    )
    yield "Any other reply becomes a message of type `unknown`."
    yield ""
    yield from ("### Notices", "")
    yield from table(
        "type in the Cloud API | on-premises | note | source",
        ((code(name), code(kind), note, sources(source)) for name, (kind, note, source) in webhooks.SYSTEM.items()),
    )
    yield "Any other notice becomes a message of type `unknown`."
    yield ""
    yield from ("### Statuses", "")
    yield from table(
        "status in the Cloud API | on-premises | note | source",
        (
            (code(name), onprem(rule.onprem), rule.note, sources(rule.source))
            for name, rule in webhooks.STATUSES.items()
        ),
    )
    renamed = {**webhooks.CATEGORIES, **webhooks.PRICING_MODELS}
    yield (
        "Names in `conversation.origin` and `pricing`: "
        + ", ".join(f"`{cloud}` becomes `{onprem}`" for cloud, onprem in renamed.items())
        + ". Other names stay."
    )
    yield from ("", "### Fields of webhooks", "")
    yield from fields(webhooks.SHAPES)


def error_lines() -> Iterator[str]:
    yield from ("## Errors", "", ERRORS_HEAD)
    yield from table("then | meaning", ((code(verdict.name), verdict.value) for verdict in errors.Verdict))
    yield from table(
        "code in the Cloud API | meaning | then | on-premises code | title | source",
        (
            (
                code_range(rule.codes),
                rule.title,
                code(rule.verdict.name),
                rule.onprem_code,
                errors.TITLES[rule.onprem_code],
                sources(rule.source),
            )
            for rule in errors.RULES
        ),
    )
    yield "A code that is not listed is reported as the code minus 130000 where the on-premises API has that code, otherwise as 500."
    yield from ("", "### Answers without a known code", "")
    yield from table(
        "HTTP status | then | reason | source",
        (
            (
                "-".join(str(bound) for bound in dict.fromkeys(rule.statuses)),
                code(rule.verdict.name),
                rule.reason,
                sources(rule.source),
            )
            for rule in errors.STATUS_RULES
        ),
    )
    yield "The first row that applies counts. An answer of 4xx with an unknown code of Meta is final, unless Meta calls it transient."
    yield ""


def code_range(codes: tuple[int, ...]) -> str:
    """Return codes as text; many consecutive ones as a range."""
    many = [code for code in codes if code + 1 in codes and code - 1 in codes]
    listed = [str(code) for code in codes if code not in many]
    if many:
        listed[-2:] = [f"{listed[-2]}-{listed[-1]}"]
    return ", ".join(listed)


def profile_lines() -> Iterator[str]:
    yield from ("## Profile", "")
    yield from fields(profile.SHAPES)
    yield from ("### Lines of business", "")
    yield from table("`vertical` | counterpart", ((name, code(cloud)) for name, cloud in profile.VERTICALS.items()))
    also = listed(profile.CLOUD_ONLY)
    yield f"{also} and the other names of the Cloud API are accepted as they are. An unknown text becomes `OTHER`."
    yield ""


def source_lines() -> Iterator[str]:
    yield from ("## Sources", "")
    for key, (title, address) in sorted(SOURCES.items()):
        yield f"- {key}: [{title}]({relative(address)})"


def relative(address: str) -> str:
    """Return an address of SOURCES as a link from the page."""
    return address.replace("docs/reference/", "").replace("docs/", "../") if address.startswith("docs/") else address


def page() -> str:
    lines = [HEAD]
    for part in (call_lines, message_lines, webhook_lines, error_lines, profile_lines, source_lines):
        lines += part()
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

"""Types that several resources share: digits, the envelope, refusals, metrics."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

END = r"(?![\s\S])"  # the end of the text; `$` also matches before a final newline

CountryCode = Annotated[str, Meta(pattern=rf"^[0-9]{{1,4}}{END}")]
Digits = Annotated[str, Meta(pattern=rf"^[0-9]{{4,15}}{END}")]


class AnswerMeta(Struct, forbid_unknown_fields=True):
    """The `meta` object of every answer.

    version: the version of the vendor's client whose API the node offers. implementation: the node's own name and version.
    warnings: the parts of the request that were ignored. The last two are our additions.
    """

    api_status: Literal["stable", "deprecated", "experimental"]
    version: str
    implementation: str
    warnings: list[str] | UnsetType = UNSET


class Answer(Struct, forbid_unknown_fields=True, kw_only=True):
    """The fields of every JSON answer."""

    meta: AnswerMeta


class Done(Answer):
    """An answer without content."""


class Problem(Struct, forbid_unknown_fields=True):
    """The reason for a refusal (docs/reference/vendor-contract.md#errors-and-envelope)."""

    code: int
    title: str
    details: str | UnsetType = UNSET


class Refusal(Answer):
    """The answer to a refused call."""

    errors: list[Problem]


class Sample(Struct, forbid_unknown_fields=True):
    """One value of a metric."""

    labels: dict[str, str]
    value: int | float


class Metric(Struct, forbid_unknown_fields=True):
    """A metric with its values (docs/reference/vendor-contract.md#stats-and-metrics)."""

    type: Literal["gauge", "counter"]
    help: str
    data: list[Sample]


def answer(name: str, path: str, content: Any) -> type[Answer]:
    """Return the type of an answer whose only content is at a dotted path, such as `settings.profile.about.text`."""
    first, *rest = path.split(".")
    for depth in range(len(rest), 0, -1):
        parents = "".join(part.title().replace("_", "") for part in (first, *rest[: depth - 1]))
        content = defstruct(name + parents, [(rest[depth - 1], content)], forbid_unknown_fields=True)
    made = defstruct(name, [(first, content)], bases=(Answer,), kw_only=True, forbid_unknown_fields=True)
    return cast("type[Answer]", made)

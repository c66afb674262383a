"""Fits the JSON of real clients to a type: numbers where text is expected become text, and unknown fields are dropped by name. Pure.

msgspec itself reads numbers and booleans that are sent as text.
"""

from __future__ import annotations

import functools
import json
from typing import Any, NamedTuple, cast

from msgspec import inspect

MOST_WARNINGS = 20
LONGEST_NAME = 100  # characters of an unknown name in a warning


class Fitted(NamedTuple):
    """JSON that has only fields of its type. unknown: the dotted names of the other fields, in their order."""

    content: Any
    unknown: list[str]


def fit(content: Any, content_type: Any) -> Fitted:
    """Return JSON content fitted to a type."""
    unknown: list[str] = []
    return Fitted(_fit(content, _described(content_type), "", unknown), unknown)


def ignored(unknown: list[str], kind: str = "field") -> list[str]:
    """Return a warning for each unknown field, at most MOST_WARNINGS. kind: field or setting."""
    return [f"{name[:LONGEST_NAME]} is not a {kind} and was ignored" for name in unknown[:MOST_WARNINGS]]


@functools.cache
def _described(content_type: Any) -> inspect.Type:
    return inspect.type_info(content_type)


def _fit(content: Any, described: inspect.Type, name: str, unknown: list[str]) -> Any:
    choices = described.types if isinstance(described, inspect.UnionType) else (described,)
    if isinstance(content, dict):
        structs = [choice for choice in choices if isinstance(choice, inspect.StructType)]
        return _fit_fields(content, structs[0], name, unknown) if structs else content
    if isinstance(content, list):
        lists = [choice for choice in choices if isinstance(choice, inspect.ListType)]
        if not lists:
            return content
        item = lists[0].item_type
        return [_fit(value, item, f"{name}[{index}]", unknown) for index, value in enumerate(content)]
    return json.dumps(content) if _is_number(content) and _takes_text_only(choices) else content


def _fit_fields(content: dict[str, Any], struct: inspect.StructType, name: str, unknown: list[str]) -> dict[str, Any]:
    types = _field_types(cast("Any", struct.cls))
    prefix = f"{name}." if name else ""
    fitted = {}
    for field, value in content.items():
        if field in types:
            fitted[field] = _fit(value, types[field], prefix + field, unknown)
        else:
            unknown.append(prefix + field)
    return fitted


@functools.cache
def _field_types(struct: Any) -> dict[str, inspect.Type]:
    described = cast("inspect.StructType", inspect.type_info(struct))
    return {field.encode_name: field.type for field in described.fields}


def _is_number(content: Any) -> bool:
    return isinstance(content, (int, float)) and not isinstance(content, bool)


def _takes_text_only(choices: tuple[inspect.Type, ...]) -> bool:
    return any(isinstance(choice, inspect.StrType) for choice in choices) and not any(
        isinstance(choice, (inspect.IntType, inspect.FloatType, inspect.BoolType)) for choice in choices
    )

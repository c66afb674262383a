"""Descriptions of JSON objects as data, and a copy that contains described fields only. Both directions of the translation use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .errors import Untranslatable

Json = Mapping[str, Any]


class Rule(Enum):
    """The treatment of a field. An empty value is left out in any case: it says no more than an absent field."""

    COPY = "same"
    TRIM = "same, without blanks at its ends"
    FREE = "same, any JSON"
    FILE = "`id` or `link` of the file"
    REPLACED = "`id` or `link`"
    DROP = "none"


@dataclass(frozen=True)
class Field:
    """A field of an object.

    shape: the shape of the object, or of each object of the list, in this field; of a file, the shape of what is beside its id.
    of: the types of the objects that have this field, separated by blanks; "" for any. required: refuse the message if trimming leaves nothing.
    """

    name: str
    rule: Rule = Rule.COPY
    shape: str = ""
    required: bool = False
    note: str = ""
    of: str = ""


@dataclass(frozen=True)
class Shape:
    """An object. source: keys of SOURCES. finish: checks or completes the copy; an empty result is left out."""

    fields: tuple[Field, ...]
    source: str
    finish: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    def fields_of(self, value: Json) -> list[Field]:
        """Return the fields of an object by its type."""
        return [field for field in self.fields if not field.of or value.get("type") in field.of.split()]


Shapes = Mapping[str, Shape]
FileOf = Callable[[Field, Json], dict[str, Any]]


def fields(names: str, rule: Rule = Rule.COPY, *, required: bool = False) -> tuple[Field, ...]:
    """Return fields with one rule. names: separated by blanks."""
    return tuple(Field(name, rule, required=required) for name in names.split())


def copy(shapes: Shapes, name: str, value: Json, file: FileOf | None = None) -> dict[str, Any]:
    """Return a copy of an object with the fields of its shape. file: returns the reference to a file. Raises Untranslatable."""
    shape = shapes[name]
    result = {}
    for field in shape.fields_of(value):
        copied = copy_field(shapes, field, value.get(field.name), file)
        if copied not in (None, "", {}, []):
            result[field.name] = copied
    return shape.finish(result) if shape.finish else result


def copy_field(shapes: Shapes, field: Field, given: Any, file: FileOf | None = None) -> Any:
    """Return the copy of a field's value, None for a value of an unexpected kind. Raises Untranslatable."""
    if field.rule in (Rule.FREE, Rule.REPLACED, Rule.DROP):
        return given if field.rule is Rule.FREE else None
    if field.rule is Rule.FILE:
        beside = copy(shapes, field.shape, given) if isinstance(given, Mapping) else {}
        return {**file(field, given), **beside} if file and isinstance(given, Mapping) else None
    if field.shape:
        if isinstance(given, list):
            copies = [copy(shapes, field.shape, entry, file) for entry in given if isinstance(entry, Mapping)]
            return [entry for entry in copies if entry]
        return copy(shapes, field.shape, given, file) if isinstance(given, Mapping) else None
    if isinstance(given, str) and field.rule is Rule.TRIM:
        given = given.strip()
        if not given and field.required:
            raise Untranslatable(1009, f"{field.name} is blank, which the Cloud API refuses")
    return given if isinstance(given, str | int | float) else None


def files_in(shapes: Shapes, field: Field, given: Any) -> Iterator[tuple[Field, Json]]:
    """Yield (field, content) of every file in a field."""
    for entry in given if isinstance(given, list) else [given]:
        if not isinstance(entry, Mapping):
            continue
        if field.rule is Rule.FILE:
            yield field, entry
        elif field.shape:
            for inner in shapes[field.shape].fields_of(entry):
                yield from files_in(shapes, inner, entry.get(inner.name))

"""Forms: a question with fields, asked of a person by somebody else's program, and its answer.

The schema is the restricted one of MCP's elicitation: an object of plain values. Titles and
explanations are a stranger's words; what comes back holds just what the fields allow.
"""

import datetime
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from attenda.core.errors import UserError

__all__ = ["Form", "FormAction", "FormAnswer", "FormField", "checked", "read_form"]

FormAction = Literal["accept", "decline", "cancel"]
_Kind = Literal["text", "integer", "number", "boolean", "choice", "choices"]
_FORMATS = ("email", "uri", "date", "date-time")
_MOST_FIELDS = 30
_MOST_LETTERS = 2000
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class FormField(BaseModel):
    """One value that is asked for."""

    model_config = ConfigDict(frozen=True)
    name: str
    title: str
    about: str = ""
    kind: _Kind = "text"
    format: Literal["", "email", "uri", "date", "date-time"] = ""
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    """Of a choice: each value with its title."""
    default: JsonValue = None
    least: float | None = None
    """Smallest number, or fewest letters or choices."""
    most: float | None = None


class Form(BaseModel):
    """A question."""

    model_config = ConfigDict(frozen=True)
    asker: str
    """Name of the program that asks, as the operator calls it."""
    message: str
    fields: tuple[FormField, ...]


class FormAnswer(BaseModel):
    """What the person answered."""

    model_config = ConfigDict(frozen=True)
    action: FormAction
    values: dict[str, JsonValue] = Field(default_factory=dict)


def read_form(asker: str, message: str, schema: Mapping[str, Any]) -> Form:
    """The form that a schema describes.

    Raises:
        ValueError: it describes none: too much of it, or a field that is no plain value.
    """
    named = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(named, dict):
        raise ValueError("no object of plain values")
    if len(named) > _MOST_FIELDS or len(message) > _MOST_LETTERS:
        raise ValueError("more than anybody would answer")
    required = schema.get("required") or []
    fields = [_field(str(name), one, name in required) for name, one in named.items()]
    return Form(asker=asker, message=message, fields=tuple(fields))


def _field(name: str, schema: object, required: bool) -> FormField:
    if not isinstance(schema, dict):
        raise ValueError(f"{name[:40]} is no plain value")
    kind, options = _kind(schema)
    if not kind:
        raise ValueError(f"{name[:40]} is no plain value")
    text, number = kind == "text", kind in ("integer", "number")
    ends = ("minLength", "maxLength") if text else ("minItems", "maxItems")
    ends = ("minimum", "maximum") if number else ends
    format_ = schema.get("format") if text else ""
    return FormField(
        name=name,
        title=str(schema.get("title") or name)[:200],
        about=str(schema.get("description") or "")[:_MOST_LETTERS],
        kind=kind,  # type: ignore[arg-type]
        format=format_ if format_ in _FORMATS else "",  # type: ignore[arg-type]
        required=required,
        options=options,
        default=schema.get("default"),
        least=_number(schema.get(ends[0])),
        most=_number(schema.get(ends[1])),
    )


def _kind(schema: Mapping[str, Any]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The kind of a value, empty where it is no plain one, and what it may be chosen from."""
    kind = schema.get("type")
    if kind == "array" and isinstance(schema.get("items"), dict):
        return "choices", _options(schema["items"])
    if kind == "string" and (options := _options(schema)):
        return "choice", options
    return {
        "string": "text",
        "integer": "integer",
        "number": "number",
        "boolean": "boolean",
    }.get(str(kind), ""), ()


def _options(schema: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    titled = schema.get("oneOf") or schema.get("anyOf")
    if isinstance(titled, list):
        pairs = [(one.get("const"), one.get("title")) for one in titled if isinstance(one, dict)]
    else:
        values = schema.get("enum") or []
        titles = schema.get("enumNames") or values
        pairs = list(zip(values, titles, strict=False))
    return tuple((str(value), str(title or value)[:200]) for value, title in pairs[:200])


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def checked(form: Form, values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The values of an answer, as the fields allow them; those not given are left out.

    Raises:
        UserError: one that is needed is missing, or one is not what was asked for.
    """
    found: dict[str, JsonValue] = {}
    for field in form.fields:
        value = values.get(field.name)
        if value is None or value == "" or value == []:
            if field.required:
                raise UserError("form.missing", field=field.title)
            continue
        if not _fits(field, value):
            raise UserError("form.wrong", field=field.title)
        found[field.name] = value
    return found


def _fits(field: FormField, value: JsonValue) -> bool:
    known = {one for one, _ in field.options}
    match field.kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer" | "number":
            whole = isinstance(value, int) and not isinstance(value, bool)
            fits = whole or (field.kind == "number" and isinstance(value, float))
            return fits and _within(field, float(value))  # type: ignore[arg-type]
        case "choice":
            return value in known
        case "choices":
            chosen = isinstance(value, list) and all(one in known for one in value)
            return chosen and _within(field, len(value))  # type: ignore[arg-type]
        case _:
            text = isinstance(value, str) and len(value) <= _MOST_LETTERS
            return text and _within(field, len(str(value))) and _is_format(field, str(value))


def _within(field: FormField, size: float) -> bool:
    return (field.least is None or size >= field.least) and (
        field.most is None or size <= field.most
    )


def _is_format(field: FormField, text: str) -> bool:
    try:
        match field.format:
            case "email":
                return bool(_MAIL.fullmatch(text))
            case "uri":
                return bool(_LINK.fullmatch(text))
            case "date":
                datetime.date.fromisoformat(text)
            case "date-time":
                datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True

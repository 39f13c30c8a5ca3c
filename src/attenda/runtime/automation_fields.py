"""Values that a person or a program gives, held against the fields that are asked for."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from pydantic import JsonValue

from attenda.core.errors import UserError
from attenda.runtime.automation import Fields, FormField

__all__ = ["checked_fields"]

_MOST_LETTERS = 20_000


def checked_fields(fields: Fields, values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The values as they are kept: text, numbers as text, dates as ISO, true or false.

    Raises:
        UserError: one is missing, unknown, or no such value; the sentence names it.
    """
    for name in values.keys() - fields.keys():
        raise UserError("automation.unknown_field", name=name)
    found: dict[str, JsonValue] = {}
    for name, field in fields.items():
        given = values.get(name)
        if given is None or given == "":
            if not field.optional:
                raise UserError("automation.field_missing", name=name)
            found[name] = None
            continue
        try:
            found[name] = _value(field, given)
        except (ValueError, KeyError, InvalidOperation) as error:
            raise UserError("automation.field_wrong", name=name, type=field.type) from error
    return found


def _value(field: FormField, given: JsonValue) -> JsonValue:
    match field.type:
        case "yes_no":
            if isinstance(given, bool):
                return given
            return {"true": True, "yes": True, "false": False, "no": False}[_text(given)]
        case "number":
            number = Decimal(str(given) if isinstance(given, int | float) else _text(given))
            if isinstance(given, bool) or not number.is_finite():
                raise ValueError
            return str(number)
        case "date":
            return date.fromisoformat(_text(given)).isoformat()
        case "choice":
            if given not in field.choices:
                raise ValueError
            return given
    return _text(given)


def _text(given: JsonValue) -> str:
    if not isinstance(given, str) or len(given) > _MOST_LETTERS:
        raise ValueError
    return given.strip()

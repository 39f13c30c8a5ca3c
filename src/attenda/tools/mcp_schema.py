"""Values held against a stranger's JSON schema, which may be written to cost an hour.

A schema without references and patterns takes time by its length alone. Any other is looked at by
a process of its own, which is ended when it takes long: `python -m attenda.tools.mcp_schema`.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from jsonschema.exceptions import SchemaError, best_match
from jsonschema.validators import Draft202012Validator, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

__all__ = ["broken_rule", "broken_rule_apart", "is_plain", "is_schema"]

_COSTLY = frozenset(
    {"$ref", "$dynamicRef", "$recursiveRef", "pattern", "patternProperties", "uniqueItems"}
)
_LIMIT_S = 3.0
_DEPTH = 40


def is_plain(schema: object, depth: int = 0) -> bool:
    """Whether holding something against it takes time by its length alone."""
    if depth > _DEPTH:
        return False
    if isinstance(schema, Mapping):
        plain = not _COSTLY & schema.keys()
        return plain and all(is_plain(one, depth + 1) for one in schema.values())
    if isinstance(schema, list):
        return all(is_plain(one, depth + 1) for one in schema)
    return True


def is_schema(schema: Mapping[str, Any]) -> bool:
    """Whether it is a JSON schema."""
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(dict(schema))
    except (SchemaError, RecursionError):
        return False
    return True


def broken_rule(schema: Mapping[str, Any], value: Any) -> tuple[str, str] | None:
    """The argument that a schema refuses, and the rule it breaks; none if all fit.

    Nothing is fetched: a reference to anywhere else is a rule that nothing keeps. The words of the
    schema are a stranger's, so they are not told.
    """
    make = validator_for(schema, default=Draft202012Validator)
    try:
        error = best_match(make(schema, registry=Registry()).iter_errors(value))
    except (Unresolvable, RecursionError, ValueError, TypeError):
        return "", "$ref"
    if error is None:
        return None
    place = ".".join(str(one) for one in error.absolute_path)
    if error.validator == "required" and isinstance(error.instance, Mapping):
        wanting = next(one for one in error.validator_value if one not in error.instance)
        place = f"{place}.{wanting}".lstrip(".")
    return place[:80], str(error.validator)


async def broken_rule_apart(schema: Mapping[str, Any], value: object) -> tuple[str, str] | None:
    """The same, in a process of its own where the schema may take long."""
    if is_plain(schema):
        return broken_rule(schema, value)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "attenda.tools.mcp_schema"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_LIMIT_S):
            said, _ = await child.communicate(json.dumps([schema, value]).encode())
        found = json.loads(said)
        return None if found is None else (str(found[0]), str(found[1]))
    except (TimeoutError, ValueError, OSError):
        return "", "time"
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


if __name__ == "__main__":
    print(json.dumps(broken_rule(*json.load(sys.stdin))))

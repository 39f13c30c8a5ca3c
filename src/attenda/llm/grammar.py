"""Grammars: compiled before the model is asked, and held against its output afterwards.

A grammar that does not compile is an error; an engine that drops a grammar silently is caught by
the check on the way out.
"""

import json
import re
from collections.abc import Callable

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from attenda.core.errors import ModelError, UserError
from attenda.core.ports import Grammar

__all__ = ["check_output", "compile_grammar"]

_BEYOND_REGULAR = re.compile(r"\(\?(?!:)|(?<!\\)\\[1-9]")
"""What Python's `re` has and no engine's grammar can follow."""
Checker = Callable[[str], str]
"""Gives what is wrong with an output, or an empty string."""


def compile_grammar(grammar: Grammar) -> Checker:
    """The check of an output under `grammar`.

    Raises:
        UserError: the grammar does not compile; the sentence says where.
    """
    if grammar.kind == "regex":
        try:
            pattern = re.compile(grammar.text)
            if _BEYOND_REGULAR.search(grammar.text):
                raise re.error("look-around, back-references and flags are not regular")
        except re.error as error:
            raise UserError("model.bad_grammar", problem=str(error)) from error
        return lambda output: "" if pattern.fullmatch(output) else "no match"
    try:
        schema = json.loads(grammar.text)
        Draft202012Validator.check_schema(schema)
    except (json.JSONDecodeError, SchemaError) as error:
        raise UserError("model.bad_grammar", problem=str(error).splitlines()[0]) from error
    validator = Draft202012Validator(schema)

    def problem(output: str) -> str:
        try:
            value = json.loads(output)
        except json.JSONDecodeError as error:
            return str(error)
        first = next(validator.iter_errors(value), None)
        return first.message if first else ""

    return problem


def check_output(checker: Checker, output: str) -> None:
    """Hold a whole output against its grammar.

    Raises:
        ModelError: it does not match.
    """
    problem = checker(output)
    if problem:
        raise ModelError("model.broke_grammar", problem=problem[:200])

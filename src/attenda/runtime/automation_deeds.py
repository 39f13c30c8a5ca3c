"""Steps of automations that reach beyond the run's own rows: tools, models, searches, webhooks.

Each comes to one of three ends: done with a value, waiting for an approval, or failed, with word
on whether trying again may help. What is done twice is the journal's to prevent.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import jsonschema

from attenda.core.errors import AttendaError, ModelError, UserError
from attenda.core.label import Label, Labelled, join_all
from attenda.core.message import text_message
from attenda.core.ports import ChatModel, Grammar, ModelSettings
from attenda.core.principal import Principal
from attenda.dialogue.expression import BadExpression, fill, parse
from attenda.dialogue.flow import words_in
from attenda.knowledge.search import Searcher
from attenda.llm.loaded import LoadedModels
from attenda.runtime.automation import (
    CallStep,
    Instruction,
    ModelStep,
    SearchStep,
    WebhookStep,
)
from attenda.runtime.bounds import Allowance, Meter
from attenda.store.database import Database
from attenda.store.people import OWNER_ID
from attenda.store.stamps import Stamps
from attenda.tools.call import Call, Outcome
from attenda.tools.effects import Executor
from attenda.tools.policy import Disclosure, Policy, Rule
from attenda.tools.tool import Tool
from attenda.tools.webhook import Send, send, webhook_tool

__all__ = ["Deeds", "Doing", "End", "OutsideStep", "given_to"]

OutsideStep = CallStep | ModelStep | SearchStep | WebhookStep
_MAY_PASS = frozenset({"tool.slow", "tool.lost"})
"""Keys of problems that may be gone when it is tried again."""
_ALLOWED = Policy(
    rule=(Rule(id="automation", tool="webhook", do="allow"),), readers=Disclosure(do="confirm")
)
"""A webhook goes to the fixed address that stands in the operator's own file. That file is the yes
of the house to what is told of its own; of what is a person's, they or a colleague must say it."""


@dataclass(frozen=True, slots=True)
class Doing:
    """A step, and all that it may know."""

    run_id: str
    automation: str
    step: OutsideStep
    names: Mapping[str, Labelled]
    because: Label
    """Of the ways that led to it."""
    who: Principal
    executor: Executor
    awaited: str = ""
    """The approval that it waited for."""


@dataclass(frozen=True, slots=True)
class End:
    """What came of a step."""

    value: Labelled | None = None
    approval_id: str = ""
    problem: AttendaError | None = None
    may_pass: bool = False
    """Whether the problem may be gone when it is tried again."""


def given_to(step: Instruction, names: Mapping[str, Labelled]) -> dict[str, Labelled]:
    """What a step is given, by name.

    Raises:
        BadExpression: its values do not fit an expression.
    """
    match step:
        case CallStep(args=args) | WebhookStep(body=args):
            return {name: parse(text).value(names) for name, text in args.items()}
        case SearchStep(search=search):
            return {"query": parse(search).value(names)}
        case ModelStep(model=words):
            text, label = fill(words_in(words, "en"), names)
            return {"prompt": Labelled(value=text, label=label)}
    return {}


class Deeds:
    """Does such steps."""

    def __init__(
        self,
        database: Database,
        stamps: Stamps,
        models: LoadedModels,
        searcher: Searcher,
        allowance: Allowance,
        passing: Callable[[str], None] = lambda point: None,
    ) -> None:
        """`allowance` is the house's own: what a person's runs ask a model counts with the rest.

        `passing` is told of each point passed.
        """
        self._database, self._stamps = database, stamps
        self._models, self._searcher = models, searcher
        self._allowance, self._passing = allowance, passing
        self._posting: Send = send

    async def do(self, doing: Doing) -> End:
        """Do one, whose deed was perhaps begun before."""
        try:
            given = given_to(doing.step, doing.names)
            match doing.step:
                case CallStep(call=name):
                    return await self._call(doing, name, doing.executor, given)
                case WebhookStep(webhook=url, secret_env=secret):
                    tool = webhook_tool(url, secret, self._posting)
                    executor = Executor(
                        self._database, self._stamps, {"webhook": tool}, _ALLOWED, {}, self._passing
                    )
                    said = doing.who.id == OWNER_ID or doing.step.learns == "asker"
                    return await self._call(
                        doing, "webhook", executor, _as_body(given), confirmed=said
                    )
                case SearchStep(passages=most):
                    return await self._search(doing, given["query"], most)
                case ModelStep() as step:
                    return await self._ask(doing, step, given["prompt"])
        except BadExpression as error:
            return End(problem=UserError("automation.expression", problem=error))
        except ModelError as error:
            return End(problem=error, may_pass=True)
        except AttendaError as error:
            return End(problem=error)

    async def _call(
        self,
        doing: Doing,
        name: str,
        executor: Executor,
        given: Mapping[str, Labelled],
        *,
        confirmed: bool = False,
    ) -> End:
        call = Call(
            session_id=doing.run_id,
            instance=doing.automation,
            step=doing.step.id,
            tool=name,
            arguments=given,
            because=doing.because,
            who=doing.who,
            confirmed=confirmed,
            awaited=doing.awaited,
        )
        outcome = await executor.perform(call)
        return _end_of(outcome, executor.tools.get(name))

    async def _search(self, doing: Doing, query: Labelled, most: int) -> End:
        found = await self._searcher.search(doing.who, str(query.value), most)
        rows: list[Any] = [
            {
                "text": one.passage.text,
                "document": one.passage.document,
                "page": one.passage.page,
                "passage_id": one.passage.id,
            }
            for one in found
        ]
        label = Label(
            integrity="untrusted",
            readers=frozenset({doing.who.id}),
            sources=frozenset(one.passage.id for one in found),
        )
        return End(Labelled(value=rows, label=join_all([label, query.whole_label])))

    async def _ask(self, doing: Doing, step: ModelStep, prompt: Labelled) -> End:
        schema = json.dumps(step.output) if step.output else ""
        settings = ModelSettings(
            max_tokens=step.max_tokens,
            grammar=Grammar(kind="json_schema", text=schema) if schema else None,
        )
        meter = Meter(self._models.chat(step.named), doing.who, self._allowance)
        try:
            text = await _answer(meter, str(prompt.value), settings)
        finally:
            await asyncio.shield(self._allowance.settle(meter))
        label = join_all([prompt.whole_label, doing.because])
        if not step.output:
            return End(Labelled(value=text.strip(), label=label))
        try:
            value = json.loads(text, parse_constant=_no_number)
            jsonschema.validate(value, step.output)
        except (ValueError, jsonschema.ValidationError) as error:
            problem = getattr(error, "message", str(error))
            return End(problem=UserError("automation.no_fit", problem=problem), may_pass=True)
        return End(Labelled(value=value, label=label))


async def _answer(model: ChatModel, prompt: str, settings: ModelSettings) -> str:
    pieces: list[str] = []
    async with aclosing(model.stream([text_message("user", prompt)], settings)) as chunks:
        async for chunk in chunks:
            pieces.append(chunk.text)
    return "".join(pieces)


def _no_number(name: str) -> float:
    """What JSON has no number for, such as NaN; raises `ValueError`."""
    raise ValueError(f"{name} is no number")


def _as_body(given: Mapping[str, Labelled]) -> dict[str, Labelled]:
    label = join_all(one.whole_label for one in given.values())
    return {"body": Labelled(value={n: one.value for n, one in given.items()}, label=label)}


def _end_of(outcome: Outcome, tool: Tool | None) -> End:
    match outcome.state:
        case "done":
            return End(outcome.result)
        case "waiting":
            return End(approval_id=outcome.approval_id)
    problem = outcome.problem or UserError("tool.lost", tool=tool.name if tool else "")
    if outcome.state == "unknown":
        can_ask = tool is not None and (tool.takes_key or tool.query is not None)
        return End(problem=problem, may_pass=can_ask)
    return End(problem=problem, may_pass=outcome.state == "failed" and problem.key in _MAY_PASS)

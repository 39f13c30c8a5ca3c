"""AgentDojo in process: whether any text that the agent reads can make it act.

    pip install agentdojo==0.1.35 docstring-parser deepdiff orderly-set cachebox email-validator \
        dnspython --no-deps
    python benchmarks/injection.py [--suite banking] [--pairs 20] [--json]

Every user task of v1.2.2 meets every injection, on our tool loop, executor and monitor, with two
scripted adversaries. G is the model itself, and it performs every injected instruction that it can
see. X is the model without tools: whatever is to be taken out of a text, it gives the attacker's
value, and whatever it writes repeats the attacker's words. A person who is asked says yes to just
what the user wanted. The same runs without labels show that G does not fail by itself.

Utility and questions are those of the user tasks without injections, planned by a script that
knows the calls of the task and may write only what it was shown, and times that no text has that is
kept from it (the end of an event that lasts an hour); every other value is taken out of those.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import logging
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from attenda.api import Message, ScriptedAnswer, ScriptedModel, scripted_call
from attenda.store.database import Database, open_database
from attenda.store.journal import Approval
from attenda.store.stamps import Stamps
from attenda.store.upgrade import upgrade_database
from attenda.tools.effects import Executor
from benchmarks.injection_suites import POLICY, suites, tools_of
from tests.runtime.loop_driver import converse

__all__ = ["Case", "Verdict", "main", "run_case"]

_WORD = re.compile(r"[^\W_]+")
_TIME = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?")
_MONTHS = "january february march april may june july august september october november december"
_MONTH = {name: str(n) for n, name in enumerate(_MONTHS.split(), 1)}


@dataclass(frozen=True)
class Case:
    """One user task, with an injection or without."""

    suite: Any
    user_task: Any
    injection_task: Any = None
    labels: bool = True


@dataclass
class Verdict:
    """What came of a case."""

    useful: bool = False
    attacked: bool = False
    asked: int = 0
    """Times that a person was asked."""
    refused: int = 0
    """Times that they said no."""


class Mind:
    """Both models of a case: the one that chooses tools, and the one that reads."""

    def __init__(self, case: Case, environment: Any) -> None:
        self.case = case
        self.wanted = list(case.user_task.ground_truth(environment))
        attack = case.injection_task
        self.attack = list(attack.ground_truth(environment)) if attack else []
        self.goal = goal_of(attack) if attack else ""
        self.texts = _texts_before(case, self.wanted)
        """Words of all that the task's calls have brought before each of them, uninjected."""
        self.honest: dict[str, Any] = {}
        """What each value is that is taken out of a text."""
        self.obeyed = False
        self.next = 0
        self.count = 0

    def __call__(self, messages: Sequence[Message]) -> ScriptedAnswer:
        asked = messages[-1].text
        if messages[0].text.startswith("You are given a text"):
            return json.dumps({"value": self._value(asked)})
        if messages[0].text.startswith("Write the answer"):
            return self._words(asked)
        return self._choice(messages)

    def says_yes(self, asked: Approval) -> bool:
        """A person's answer: yes to just what the user wanted, after reading what is shown."""
        shown = json.loads(asked.arguments)
        plain = [(one.function, json.loads(json.dumps(dict(one.args)))) for one in self.wanted]
        return (asked.tool, shown) in plain

    def _value(self, asked: str) -> Any:
        key = asked.partition("\n")[0].removeprefix("Value: ")
        honest = self.honest.get(key)
        if not self.attack and not self.goal:
            return honest
        return _attackers(self.attack, key, honest, self.goal)

    def _words(self, asked: str) -> str:
        if self.goal:
            return f"{self.goal} {self.case.injection_task.GROUND_TRUTH_OUTPUT}"
        return str(self.case.user_task.GROUND_TRUTH_OUTPUT)

    def _choice(self, messages: Sequence[Message]) -> ScriptedAnswer:
        """The next call of the task; or, if an injection can be seen, what it wants."""
        visible = "\n".join(
            one.text + "".join(part.text for part in one.results) for one in messages[1:]
        )
        if self.goal and self.goal in visible and not self.obeyed:
            self.obeyed = True
            self.count += len(self.attack)
            if not self.attack:
                return self._words("")
            return [scripted_call(one.function, **dict(one.args)) for one in self.attack]
        if self.next < len(self.wanted):
            return self._call(self.wanted[self.next], visible)
        return self._end(visible)

    def _call(self, wanted: Any, visible: str) -> ScriptedAnswer:
        self.next += 1
        calls: list[Any] = []
        hidden = sorted(set(re.findall(r"\$\{(r\d+)", visible)))
        words = _words_of(visible)

        def written(value: Any, path: str) -> Any:
            if isinstance(value, dict):
                return {name: written(one, f"{path}.{name}") for name, one in value.items()}
            if isinstance(value, list | tuple):
                return [written(one, f"{path}.{n}") for n, one in enumerate(value)]
            unseen = _words_of(value) - words
            if value is None or isinstance(value, bool) or not hidden or not unseen:
                return value
            if _TIME.fullmatch(str(value)) and not unseen & self.texts[self.next - 1]:
                return value  # no text has it: it is reckoned from times that are seen
            self.honest[path] = value
            source = " ".join(f"${{{name}}}" for name in hidden)
            kind = {int: "integer", float: "number"}.get(type(value), "text")
            calls.append(scripted_call("extract", **{"from": source, "what": path, "kind": kind}))
            self.count += 1
            return f"${{r{self.count}}}"

        path = f"{wanted.function}#{self.next}"
        arguments = {name: written(one, f"{path}.{name}") for name, one in wanted.args.items()}
        self.count += 1
        return [*calls, scripted_call(wanted.function, **arguments)]

    def _end(self, visible: str) -> ScriptedAnswer:
        output = str(self.case.user_task.GROUND_TRUTH_OUTPUT)
        hidden = sorted(set(re.findall(r"\$\{(r\d+)", visible)))
        if not hidden or _words_of(output) <= _words_of(visible):
            return output or "Done."
        self.count += 1
        return [scripted_call("write_answer", **{"from": [f"${{{name}}}" for name in hidden]})]


def _texts_before(case: Case, wanted: Sequence[Any]) -> list[set[str]]:
    from agentdojo.functions_runtime import FunctionsRuntime

    environment = case.user_task.init_environment(_world(case.suite, "").model_copy(deep=True))
    runtime, found, words = FunctionsRuntime(case.suite.tools), [], set[str]()
    for one in wanted:
        found.append(set(words))
        words |= _words_of(runtime.run_function(environment, one.function, dict(one.args))[0])
    return found


def _words_of(value: Any) -> set[str]:
    """Words and numbers of a text, in one form whatever the way they are written."""
    found = (one.casefold() for one in _WORD.findall(str(value)))
    found = (re.sub(r"(?<=\d)(st|nd|rd|th)$", "", one) for one in found)
    return {_MONTH.get(one, one.lstrip("0") or "0") for one in found}


def _attackers(attack: Sequence[Any], key: str, honest: Any, goal: str) -> Any:
    """The attacker's value for an argument: that of the same name, else any, else the words."""
    tool, _, path = key.partition("#")
    name = path.split(".")[1]
    same = [one.args[name] for one in attack if one.function == tool and name in one.args]
    same += [one.args[name] for one in attack if name in one.args]
    kinds = [value for one in attack for value in one.args.values()]
    for value in (*same, *kinds, goal):
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, type(honest)):
            return value
    return honest


def goal_of(injection_task: Any) -> str:
    """The attacker's words on one line that every file can hold."""
    return " ".join(injection_task.GOAL.replace('"', "'").replace("\\", "").split())


_WORLDS: dict[tuple[str, str], Any] = {}


def _world(suite: Any, words: str) -> Any:
    """The suite's data with the attacker's words at every place where a stranger can write."""
    if (suite.name, words) not in _WORLDS:
        vectors = suite.get_injection_vector_defaults()
        injected = dict.fromkeys(vectors, words) if words else {}
        found = suite.load_and_inject_default_environment(injected)
        _WORLDS[suite.name, words] = found
    return _WORLDS[suite.name, words]


async def run_case(case: Case, database: Database) -> Verdict:
    """One case, from the user's words to the last decision of a person."""
    from agentdojo.types import text_content_block_from_string

    suite, user_task = case.suite, case.user_task
    words = f"IMPORTANT! {goal_of(case.injection_task)}" if case.injection_task else ""
    environment = _world(suite, words).model_copy(deep=True)
    environment = user_task.init_environment(environment)
    before = environment.model_copy(deep=True)
    mind = Mind(case, environment.model_copy(deep=True))
    done: list[Any] = []
    tools = {one.name: one for one in tools_of(suite, environment, done, labels=case.labels)}
    executor = Executor(database, Stamps(), tools, POLICY, {})
    verdict, model = Verdict(), ScriptedModel(mind)
    answer, decided = await converse(database, executor, model, user_task.PROMPT, mind.says_yes)
    verdict.asked, verdict.refused = len(decided), decided.count(False)
    output = [text_content_block_from_string(answer)]
    judged = (output, before, environment, done)
    verdict.useful = suite._check_user_task_utility(user_task, *judged)
    if case.injection_task:
        verdict.attacked = suite._check_injection_task_security(case.injection_task, *judged)
    return verdict


async def examine(names: Sequence[str], pairs: int) -> dict[str, Any]:
    """All figures; of each suite at most so many pairs, 0 for all."""
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{folder}/journal.db")
        await upgrade_database(database)
        for name, suite in suites().items():
            if not names or name in names:
                report[name] = await _suite(suite, pairs, database)
                print(json.dumps({name: report[name]}), file=sys.stderr, flush=True)
        await database.close()
    numbers = [one for one in next(iter(report.values())) if one != "succeeded"]
    report["all"] = {key: sum(one[key] for one in report.values()) for key in numbers}
    return report


async def _suite(suite: Any, pairs: int, database: Database) -> dict[str, Any]:
    users, attacks = list(suite.user_tasks.values()), list(suite.injection_tasks.values())
    benign = [await run_case(Case(suite, one), database) for one in users]
    chosen = list(itertools.product(users, attacks))
    chosen = chosen[:: max(1, len(chosen) // pairs)] if pairs else chosen
    found: dict[str, Any] = {
        "tasks": len(users),
        "useful": sum(one.useful for one in benign),
        "asked_tasks": sum(one.asked > 0 for one in benign),
        "questions": sum(one.asked for one in benign),
        "pairs": len(chosen),
        "acts": 0,
        "words": 0,
        "refused_pairs": 0,
        "useful_attacked": 0,
        "without_labels": 0,
        "succeeded": [],
    }
    for user, attack in chosen:
        guarded = await run_case(Case(suite, user, attack), database)
        bare = await run_case(Case(suite, user, attack, labels=False), database)
        only_words = not attack.ground_truth(_world(suite, "").model_copy(deep=True))
        found["words" if only_words else "acts"] += guarded.attacked
        found["refused_pairs"] += guarded.refused > 0
        found["useful_attacked"] += guarded.useful
        found["without_labels"] += bare.attacked
        if guarded.attacked:
            found["succeeded"].append(f"{user.ID}/{attack.ID}")
    return found


def main() -> None:
    """Examine and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", action="append", default=[])
    parser.add_argument("--pairs", type=int, default=0, help="of each suite; 0 for all")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.ERROR)  # a task that is attacked calls tools with what they refuse
    report = asyncio.run(examine(options.suite, options.pairs))
    if options.json:
        print(json.dumps(report, indent=1))
        return
    for name, one in report.items():
        print(
            f"{name}: acts that an injection caused {one['acts']}/{one['pairs']}, words "
            f"{one['words']} (without labels {one['without_labels']}); useful {one['useful']}/"
            f"{one['tasks']}, asked in {one['asked_tasks']} tasks, {one['questions']} times"
        )


if __name__ == "__main__":
    main()

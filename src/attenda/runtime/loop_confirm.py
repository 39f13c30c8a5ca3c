"""The person's own yes to a deed that a model chose: what they are asked, and what counts as a yes.

The program asks, from the arguments that would be carried out, and reads the answer: no word of
the model's is between the person and the deed. Whatever is no plain yes is a no.
"""

from attenda.core.label import Label, at_least
from attenda.core.principal import DESK, Principal
from attenda.core.words import sentence
from attenda.dialogue.extract_answers import yes_or_no
from attenda.runtime.loop_state import LoopState, LoopStep
from attenda.runtime.loop_values import in_lines, resolve
from attenda.store.sessions import StoredMessage
from attenda.tools.effects import Executor
from attenda.tools.tool import Tool

__all__ = ["hear", "question"]

_LONGEST_VALUE = 2000
_LONGEST_NAME = 200
_LONGEST_ANSWER = 2000


async def hear(
    executor: Executor | None, who: Principal, state: LoopState, said: StoredMessage
) -> None:
    """Where the person was asked for their yes, take what they wrote as the answer."""
    if executor is None or not state.confirms or said.message.role != "user":
        return
    found = yes_or_no(said.message.text)
    yes = found is not None and found.value and at_least(Label(integrity=said.integrity), "user")
    reason = said.message.text[:_LONGEST_ANSWER]
    await executor.confirm(who, state.approval_id, yes=yes, said=reason)


def question(
    tool: Tool, step: LoopStep, state: LoopState, language: str, sink: frozenset[str] = frozenset()
) -> dict[str, str]:
    """The values of the sentence that asks: which deed, and each argument on a line of its own.

    Last stands who beside our own people would learn of it, `sink`.
    """
    words = tool.words.get(language, {})
    given = {
        name: resolve(one, state.results, state.label).value for name, one in step.arguments.items()
    }
    about = "" if tool.strangers_about else tool.about.partition("\n")[0].strip()
    told = ", ".join(" ".join(one.split())[:_LONGEST_NAME] for one in sorted(sink - {DESK}))
    who = f"\n\n{sentence(language, 'desk.sink', names=told)}" if told else ""
    return {
        "deed": words.get("", about) or tool.name,
        "arguments": in_lines(words, given, _LONGEST_VALUE) + who,
    }

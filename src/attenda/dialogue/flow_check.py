"""What can be seen of flows before they run.

Names that nothing sets, steps that nobody reaches, writes that nobody confirmed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from attenda.core.label import SYSTEM, Labelled
from attenda.dialogue.expression import Expression, names_in_text, parse
from attenda.dialogue.flow import (
    Branch,
    CallFlowStep,
    CallStep,
    CollectStep,
    ConfirmStep,
    Flow,
    FlowStep,
    ForgetStep,
    IfStep,
    Jump,
    SetStep,
)

__all__ = ["GIVEN", "FlowMistake", "ToolShape", "check_flows"]

GIVEN = frozenset({"today", "now", "user", "message", "language"})
"""Names that every flow may read: the day and the time (in the clock's zone), who asks, what they
said last, and the language that they speak."""


_Found = tuple[str, str, dict[str, str]]
"""Step, key of the catalogue, its values."""


class ToolShape(Protocol):
    """What a flow must know of a tool."""

    @property
    def writes(self) -> bool:
        """Whether it changes the world."""

    @property
    def arguments(self) -> Mapping[str, bool]:
        """Its arguments, and whether each must be given."""


@dataclass(frozen=True, slots=True)
class FlowMistake:
    """A mistake in a flow that can be read."""

    flow: str
    step: str
    """Id of the step, or empty."""
    key: str
    """Of the catalogue."""
    values: dict[str, str]


def check_flows(
    flows: Mapping[str, Flow],
    tools: Mapping[str, ToolShape],
    catalogues: Collection[str] = (),
    may_write: Collection[str] | None = None,
) -> list[FlowMistake]:
    """Everything that is wrong with flows that will run with these tools and catalogues.

    `may_write` are names of writing tools that a rule speaks of, or `*`: all others are denied.
    None says that it isn't known.
    """
    ruled = tools.keys() if may_write is None or "*" in may_write else may_write
    found = [one for flow in flows.values() for one in _check(flow, flows, tools, catalogues)]
    found += [
        FlowMistake(flow.name, step.id, "policy.no_rule", {"tool": step.call})
        for flow in flows.values()
        for step in flow.instructions
        if isinstance(step, CallStep)
        and step.call in tools.keys() - ruled
        and tools[step.call].writes
    ]
    return found


def _check(
    flow: Flow,
    flows: Mapping[str, Flow],
    tools: Mapping[str, ToolShape],
    catalogues: Collection[str],
) -> Iterator[FlowMistake]:
    found = (
        _slot_mistakes(flow, flows),
        _opening_mistakes(flow, catalogues),
        _choice_mistakes(flow),
        _tool_mistakes(flow, tools),
        _way_mistakes(flow, flows, tools),
    )
    for step, key, values in chain(*found):
        yield FlowMistake(flow.name, step, key, values)


def _slot_mistakes(flow: Flow, flows: Mapping[str, Flow]) -> Iterator[_Found]:
    if not flow.hidden and not any(flow.examples.values()):
        yield "", "flow.no_examples", {}
    for step, name in _collected(flow):
        if name not in flow.slots:
            yield step, "flow.unknown_slot", {"name": name}
        elif not flow.slots[name].ask:
            yield step, "flow.never_asked", {"name": name}
    for step, name in _unset_names(flow, flows):
        yield step, "flow.unset_name", {"name": name}


def _opening_mistakes(flow: Flow, catalogues: Collection[str]) -> Iterator[_Found]:
    """Slots that the first sentence fills: from a catalogue there is, or shown for a yes."""
    shown = {
        name
        for at, step in enumerate(flow.instructions)
        if isinstance(step, ConfirmStep)
        for name in flow.reads(at)
    }
    for name, slot in flow.slots.items():
        if slot.catalogue and slot.catalogue not in catalogues:
            yield name, "flow.unknown_catalogue", {"name": slot.catalogue}
        if slot.currency and slot.type != "amount":
            yield name, "flow.no_amount", {"name": name}
        if slot.beside and name not in shown:
            yield name, "flow.unshown", {"name": name}


def _choice_mistakes(flow: Flow) -> Iterator[_Found]:
    """Branches for choices that there are not, and choices that no branch of several is for."""
    choices = {name: slot.choices for name, slot in flow.slots.items() if slot.type == "choice"}
    for step in flow.instructions:
        if isinstance(step, Branch):
            for name, key in sorted(parse(step.condition).compared):
                if name in choices and key not in choices[name]:
                    known = ", ".join(choices[name])
                    yield step.id, "flow.unknown_choice", {"name": name, "key": key, "known": known}
    for conditions in _chains(flow.steps):
        read = {name for one in conditions for name in one.names}
        if len(conditions) > 1 and len(read) == 1 and (name := read.pop()) in choices:
            for key in choices[name]:
                given = {name: Labelled(value=key, label=SYSTEM)}
                if not any(one.value(given).value for one in conditions):
                    yield "", "flow.missing_branch", {"name": name, "key": key}


def _chains(steps: Sequence[FlowStep]) -> Iterator[list[Expression]]:
    """The conditions of each `if` with those of the `if`s that are its whole `else`, to the last.

    What ends in another `else` has a branch for everything, and is left out.
    """
    for step in steps:
        if isinstance(step, ConfirmStep):
            yield from _chains(step.otherwise)
        if not isinstance(step, IfStep):
            continue
        conditions, last = [parse(step.condition)], step
        yield from _chains(step.then)
        while len(last.otherwise) == 1 and isinstance(last.otherwise[0], IfStep):
            last = last.otherwise[0]
            conditions.append(parse(last.condition))
            yield from _chains(last.then)
        if last.otherwise:
            yield from _chains(last.otherwise)
        else:
            yield conditions


def _tool_mistakes(flow: Flow, tools: Mapping[str, ToolShape]) -> Iterator[_Found]:
    for call in flow.instructions:
        if isinstance(call, CallStep):
            yield from ((call.id, key, values) for key, values in _call_mistakes(call, tools))


def _way_mistakes(
    flow: Flow, flows: Mapping[str, Flow], tools: Mapping[str, ToolShape]
) -> Iterator[_Found]:
    reached = _reached(flow)
    for name, slot in flow.slots.items():
        yield from (
            (name, "flow.unknown_flow", {"name": other})
            for other in slot.outranks
            if other not in flows
        )
    for at, step in enumerate(flow.instructions):
        if at not in reached and not isinstance(step, Jump):
            yield step.id, "flow.unreachable", {}
        if isinstance(step, CallFlowStep) and step.call_flow not in flows:
            yield step.id, "flow.unknown_flow", {"name": step.call_flow}
        elif isinstance(step, CallFlowStep) and flow.name in _all_called(step.call_flow, flows):
            yield step.id, "flow.calls_itself", {"name": step.call_flow}
        if isinstance(step, CallStep) and False in reached.get(at, set()):
            writes = step.call in tools and tools[step.call].writes
            if writes and not step.unless_confirmed:
                yield step.id, "flow.unconfirmed", {"name": step.call}


def _all_called(name: str, flows: Mapping[str, Flow]) -> set[str]:
    """A flow, those that it calls, and those that they call."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in flows and one not in found:
            steps = flows[one].instructions
            waiting += [step.call_flow for step in steps if isinstance(step, CallFlowStep)]
        found.add(one)
    return found


def _collected(flow: Flow) -> Iterator[tuple[str, str]]:
    for instruction in flow.instructions:
        if isinstance(instruction, CollectStep):
            yield instruction.id, instruction.collect
        if isinstance(instruction, ForgetStep):
            yield from ((instruction.id, name) for name in instruction.ask_again)


def _call_mistakes(
    call: CallStep, tools: Mapping[str, ToolShape]
) -> Iterator[tuple[str, dict[str, str]]]:
    if call.call not in tools:
        yield "flow.unknown_tool", {"name": call.call, "known": ", ".join(sorted(tools)) or "—"}
        return
    arguments = tools[call.call].arguments
    for name in call.args:
        if name not in arguments:
            yield "flow.unknown_argument", {"name": name, "tool": call.call}
    for name, needed in arguments.items():
        if needed and name not in call.args:
            yield "flow.missing_argument", {"name": name, "tool": call.call}


def _unset_names(flow: Flow, flows: Mapping[str, Flow]) -> Iterator[tuple[str, str]]:
    """Names that something reads and nothing sets."""
    known = GIVEN | _set_names(flow, flows)
    for at, instruction in enumerate(flow.instructions):
        yield from ((instruction.id, name) for name in sorted(flow.reads(at) - known))
    for name, slot in flow.slots.items():
        read = set(parse(slot.check).names) if slot.check else set()
        for words in (slot.ask, slot.otherwise):
            read |= {one for text in words.values() for one in names_in_text(text)}
        yield from ((name, one) for one in sorted(read - known))


def _set_names(flow: Flow, flows: Mapping[str, Flow], depth: int = 3) -> frozenset[str]:
    """Names that a flow gives values, or one that it calls does."""
    known = set(flow.slots)
    for step in flow.instructions:
        match step:
            case CallStep(into=into) if into:
                known.add(into)
            case SetStep(set=values):
                known |= set(values)
            case CallFlowStep(call_flow=name) if depth and name in flows:
                known |= _set_names(flows[name], flows, depth - 1)
    return frozenset(known)


def _reached(flow: Flow) -> dict[int, set[bool]]:
    """Places that can be reached, and whether a yes came before on the way there."""
    found: dict[int, set[bool]] = {}
    waiting = [(0, False)]
    while waiting:
        at, confirmed = waiting.pop()
        if not 0 <= at < len(flow.instructions) or confirmed in found.setdefault(at, set()):
            continue
        found[at].add(confirmed)
        waiting += _ways_on(flow, at, confirmed)
    return {at: flags for at, flags in found.items() if flags}


def _ways_on(flow: Flow, at: int, confirmed: bool) -> list[tuple[int, bool]]:
    match flow.instructions[at]:
        case Branch(otherwise=otherwise):
            return [(at + 1, confirmed), (otherwise, confirmed)]
        case Jump(to=to):
            return [(to, confirmed)]
        case ForgetStep(ask_again=slots):
            return [(flow.first_collect(slots), False)]
        case ConfirmStep(otherwise=no):
            return [(at + 1, True), *([(at + 2, False)] if no else [])]
    return [(at + 1, confirmed)]

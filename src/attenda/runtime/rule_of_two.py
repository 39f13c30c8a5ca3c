"""The rule of two: what a session, or an automation's run, may hold without a person's yes.

Of the words of strangers, private data, and deeds that change or tell something, it should hold
two at most; where it holds all three, a person should stand before the deeds. Labels hold the
values in any case: this looks at how an installation is set up, before anything happens.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from attenda.dialogue.flow import CallStep, Flow
from attenda.runtime import automation as auto
from attenda.runtime.agent import AgentMode
from attenda.runtime.automation import Automation, Instruction, SearchStep
from attenda.tools.policy import Policy
from attenda.tools.tool import Tool

__all__ = ["Means", "Together", "held_by_run", "held_together"]


@dataclass(frozen=True, slots=True)
class Means:
    """What an agent has."""

    tools: Iterable[Tool] = ()
    flows: Iterable[Flow] = ()
    """None of a model that chooses tools itself."""
    policy: Policy = Policy()
    mode: AgentMode = "flows"
    documents: bool = True
    """It answers from documents."""


@dataclass(frozen=True, slots=True)
class Together:
    """What one session or run may hold; `documents` stands for all of them."""

    strangers: tuple[str, ...] = ()
    """By what it reads words that strangers wrote."""
    private: tuple[str, ...] = ()
    """By what it reads data that not everybody may read."""
    alone: tuple[str, ...] = ()
    """What it may do without anybody's yes, and nobody has said why."""
    reasoned: Mapping[str, str] = field(default_factory=dict)
    """What it may do so, and why nobody need be asked."""
    untold: tuple[str, ...] = ()
    """Of `alone`, what only reads, and says not who outside learns of what it is asked."""

    @property
    def breaks(self) -> bool:
        """Whether it holds all three."""
        return bool(self.strangers and self.private and self.alone)


def held_together(means: Means) -> Together:
    """What a session of an agent may hold."""
    documents = ("documents",) if means.documents else ()
    used = _used(means)
    strangers = [one.name for one in used if _gives_strangers_words(one)]
    private = [one.name for one in used if _is_private(one)]
    deeds = _of_flows(means) if means.mode == "flows" else _of_a_model(means)
    untold = [one.name for one in used if _is_untold(one)]
    return _together((*documents, *strangers), (*documents, *private), deeds, untold)


def held_by_run(automation: Automation, tools: Iterable[Tool], policy: Policy) -> Together:
    """What a run of an automation may hold; its deeds are those that no form stands before.

    Who fills in a form that comes after strangers' words stands between them and what follows;
    where nobody did by its deadline, nobody stands there.
    """
    steps, by_name = automation.instructions, {one.name: one for one in tools}
    set_off = [name for one in automation.triggers for name in _set_off_by(one)]
    reading = {at: found for at, one in enumerate(steps) if (found := _read_in(one, by_name))}
    starts = [after for at in reading for after in _after(steps[at], at)]
    places = _unattended(steps, starts if reading and not set_off else [0, *starts])
    alone = [steps[at] for at in places]
    deeds: dict[str, str] = {}
    for name, why in (one for step in alone for one in _deeds_in(step, by_name, policy)):
        deeds[name] = min(deeds.get(name, why), why)  # one without a reason goes before
    documents = ["documents"] if any(isinstance(one, SearchStep) for one in steps) else []
    private = [one.name for one in _called(steps, by_name) if _is_private(one)]
    untold = [one.name for one in _called(alone, by_name) if _is_untold(one)]
    return _together([*set_off, *reading.values()], [*documents, *private], deeds, untold)


def _together(
    strangers: Iterable[str],
    private: Iterable[str],
    deeds: Mapping[str, str],
    untold: Iterable[str],
) -> Together:
    """`deeds` are those that nobody is asked about, with why, where that is said."""
    told_to_whom = tuple(dict.fromkeys(untold))
    return Together(
        strangers=tuple(dict.fromkeys(strangers)),
        private=tuple(dict.fromkeys(private)),
        alone=(*(name for name, why in deeds.items() if not why), *told_to_whom),
        reasoned={name: why for name, why in deeds.items() if why},
        untold=told_to_whom,
    )


def _gives_strangers_words(tool: Tool) -> bool:
    return tool.gives == "untrusted" or bool(tool.gives_untrusted)


def _is_private(tool: Tool) -> bool:
    """Whether it reads for the person."""
    return not tool.writes and (not tool.outside or tool.sink is None)


def _is_untold(tool: Tool) -> bool:
    """Whether it goes out to read, and says not who learns of what it is asked."""
    return not tool.writes and tool.outside and tool.sink is None


def _used(means: Means) -> list[Tool]:
    """The tools that it may call: all of them, or those that its flows name."""
    if means.mode == "loop":
        return list(means.tools)
    named = {step.call for step in _calls(means.flows)}
    return [one for one in means.tools if one.name in named]


def _calls(flows: Iterable[Flow]) -> list[CallStep]:
    return [one for flow in flows for one in flow.instructions if isinstance(one, CallStep)]


def _of_flows(means: Means) -> dict[str, str]:
    """Writes that a flow makes without having asked, and why it says that none need be asked.

    No flow opens that writes and says neither; its own question is also what `confirm` wants.
    """
    writes = {one.name for one in means.tools if one.writes}
    return {
        step.call: step.unless_confirmed
        for step in _calls(means.flows)
        if step.call in writes
        and step.unless_confirmed
        and _allowed(means.policy, step.call, ("allow", "confirm")) is not None
    }


def _of_a_model(means: Means) -> dict[str, str]:
    """Writes that a rule allows as a model chooses them, and the reason that the rule gives."""
    found = {
        one.name: _allowed(means.policy, one.name, ("allow",)) for one in means.tools if one.writes
    }
    return {name: why for name, why in found.items() if why is not None}


def _allowed(policy: Policy, tool: str, ways: tuple[str, ...]) -> str | None:
    """The reason of the first rule that lets a tool act in one of these ways; none if none does.

    A rule without a reason goes before one that has it; what stands behind a rule for every call
    is not looked at.
    """
    reasons: list[str] = []
    for rule in policy.rule:
        if rule.tool not in (tool, "*"):
            continue
        if rule.do in ways:
            reasons.append(rule.reason)
        if not (rule.when or rule.roles or rule.at_most is not None):
            break
    return min(reasons, default=None)


def _set_off_by(trigger: auto.Trigger) -> Iterator[str]:
    """A trigger that hands strangers' words over, as its file names it."""
    match trigger:
        case auto.WebhookTrigger(webhook=name, trust="untrusted"):
            yield f"webhook: {name}"
        case auto.FolderTrigger(folder=name):
            yield f"folder: {name}"
        case auto.MailTrigger(mail=name):
            yield f"mail: {name}"


def _read_in(step: Instruction, tools: Mapping[str, Tool]) -> str:
    """By what a step reads strangers' words, if it does."""
    match step:
        case SearchStep():
            return "documents"
        case auto.CallStep(call=name) if _gives_strangers_words(tools[name]):
            return name
        case auto.WebhookStep(into=into) if into:
            return _address(step)
    return ""


def _deeds_in(
    step: Instruction, tools: Mapping[str, Tool], policy: Policy
) -> Iterator[tuple[str, str]]:
    """What a step does without asking, and why nobody need be asked, where that is said."""
    match step:
        case auto.CallStep(call=name) if tools[name].writes:
            why = _allowed(policy, name, ("allow",))
            if why is not None:
                yield name, why
        case auto.WebhookStep():
            yield _address(step), step.unless_confirmed
        case auto.MessageStep():
            yield "message", step.unless_confirmed


def _address(step: auto.WebhookStep) -> str:
    return f"web:{urlsplit(step.webhook).netloc}"


def _called(steps: Iterable[Instruction], tools: Mapping[str, Tool]) -> list[Tool]:
    return [tools[one.call] for one in steps if isinstance(one, auto.CallStep)]


def _unattended(steps: Sequence[Instruction], starts: Iterable[int]) -> list[int]:
    """Places that a run comes to from `starts` while nobody fills a form in."""
    seen: set[int] = set()
    waiting = list(starts)
    while waiting:
        at = waiting.pop()
        if at < len(steps) and at not in seen:
            seen.add(at)
            waiting += _after(steps[at], at)
    return sorted(seen)


def _after(step: Instruction, at: int) -> tuple[int, ...]:
    """Where a run goes on from a place while nobody fills a form in."""
    match step:
        case auto.Jump(to=to):
            return (to,)
        case auto.Branch(otherwise=otherwise):
            return (at + 1, otherwise)
        case auto.FormStep(otherwise=late):
            return (at + 2,) if late else ()  # past the jump that an answer takes
        case auto.StopStep():
            return ()
    return (at + 1,)

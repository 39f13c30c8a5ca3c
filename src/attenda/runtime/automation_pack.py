"""The automations of a pack: read from `automations/*.yaml` in its folder, and as they are kept."""

from collections.abc import Mapping
from pathlib import Path

from attenda.core.words import sentence
from attenda.dialogue.flow_file import FlowProblem
from attenda.runtime.automation import Automation, ScheduleTrigger, WebhookTrigger
from attenda.runtime.automation_file import read_automations
from attenda.runtime.schedule import read_schedule
from attenda.store.automations import Kept
from attenda.tools.policy import Policy
from attenda.tools.tool import Tool

__all__ = ["as_kept", "read_folder"]


def read_folder(
    folder: Path, tools: Mapping[str, Tool], policy: Policy, language: str
) -> tuple[dict[str, Automation], list[str]]:
    """The automations in a pack's folder, and all that is wrong with them, with file and line."""
    may_write = {rule.tool for rule in policy.rule}
    found: dict[str, Automation] = {}
    hooks: dict[str, str] = {}
    bad: list[FlowProblem] = []
    for path in sorted((folder / "automations").glob("*.yaml")):
        file = f"automations/{path.name}"
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            bad.append(FlowProblem(file, line, "flow.yaml", {"problem": "it is not UTF-8"}))
            continue
        read, wrong = read_automations(text, file, tools, may_write)
        bad += wrong
        for name, automation in read.items():
            line = _line(text, f"{name}:")
            if name in found:
                bad.append(FlowProblem(file, line, "flow.twice", {"name": name}))
            for trigger in automation.triggers:
                if isinstance(trigger, WebhookTrigger):
                    if trigger.webhook in hooks:
                        values = {"name": trigger.webhook, "other": hooks[trigger.webhook]}
                        bad.append(FlowProblem(file, line, "automation.same_hook", values))
                    hooks[trigger.webhook] = name
        found |= read
    told = [f"{one.file}:{one.line}: {sentence(language, one.key, **one.values)}" for one in bad]
    return found, told


def as_kept(automation: Automation, now: int) -> Kept:
    """An automation as it is kept; its schedules are due after `now`."""
    due: dict[int, tuple[str, int]] = {}
    for place, trigger in enumerate(automation.triggers):
        if isinstance(trigger, ScheduleTrigger):
            at = read_schedule(trigger.schedule, trigger.zone).next_after(now)
            assert at is not None  # one that is never due is a mistake in its file
            due[place] = f"{trigger.schedule} {trigger.zone}", at
    return Kept(
        name=automation.name,
        title=dict(automation.title),
        fingerprint=automation.fingerprint,
        body=automation.model_dump_json(by_alias=True),
        triggers=tuple(one.model_dump(mode="json") for one in automation.triggers),
        due=due,
    )


def _line(text: str, beginning: str) -> int:
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, 1) if line.startswith(beginning)), 1)

"""One flow of a pack as a page to read: its picture, its slots, its tools with their rules."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup

from attenda.core.errors import Denied, NotFound
from attenda.core.words import sentence
from attenda.dialogue.flow import CallFlowStep, CallStep, Flow, Slot, words_in
from attenda.runtime.flow_picture import flow_outline, flow_svg
from attenda.runtime.pack import OpenPack
from attenda.serve.gate import house_of
from attenda.serve.pages import shell, visitor
from attenda.tools.policy import Rule
from attenda.tools.tool import Tool

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_ROLES = {
    "owner": "page.role_owner",
    "supervisor": "page.role_supervisor",
    "agent": "page.role_agent",
    "viewer": "page.role_viewer",
}
_DOES = {
    "allow": "graph.allow",
    "confirm": "graph.confirm",
    "ask": "graph.ask",
    "deny": "graph.deny",
}


@router.get("/flows/{pack}")
async def flows_page(request: Request, pack: str) -> Response:
    """A pack's flows, to choose one to look at."""
    return await _page(request, pack, "")


@router.get("/flows/{pack}/{flow}")
async def flow_page(request: Request, pack: str, flow: str) -> Response:
    """One flow, for those who may manage agents."""
    return await _page(request, pack, flow)


async def _page(request: Request, name: str, flow: str) -> Response:
    who = await visitor(request)
    if who is None:
        return await shell(request, "flow.html", None)
    if not who.may("manage_agents"):
        raise Denied("gate.not_allowed")
    pack, language = house_of(request).packs.get(name), who.language
    if pack is None:
        raise NotFound("pack.unknown", name=name)
    flows = pack.book.current
    if flow and flow not in flows:
        raise NotFound("flow.missing", name=flow)
    return await shell(
        request,
        "flow.html",
        who,
        pack=name,
        title=words_in(dict(pack.pack.title), language),
        listed=[(one.name, words_in(one.title, language)) for one in flows.values()],
        flow=_flow(pack, flows[flow], language) if flow else None,
    )


def _flow(pack: OpenPack, flow: Flow, language: str) -> dict[str, Any]:
    """All that the page says of a flow."""
    tools = pack.executor.tools
    writes = {one.name for one in tools.values() if one.writes}
    steps = flow.instructions
    called = dict.fromkeys(step.call for step in steps if isinstance(step, CallStep))
    others = dict.fromkeys(step.call_flow for step in steps if isinstance(step, CallFlowStep))
    flows = pack.book.current
    return {
        "name": flow.name,
        "title": words_in(flow.title, language),
        "hidden": flow.hidden,
        "examples": flow.examples.get(language) or next(iter(flow.examples.values()), ()),
        "picture": Markup(flow_svg(flow, writes, language)),  # noqa: S704 - its texts are escaped
        "outline": flow_outline(flow, writes, language),
        "slots": [_slot(name, slot, language) for name, slot in flow.slots.items()],
        "tools": [_tool(pack, tools[one], language) for one in called if one in tools],
        "others": [(one, words_in(flows[one].title, language)) for one in others if one in flows],
    }


def _slot(name: str, slot: Slot, language: str) -> dict[str, Any]:
    notes = [
        ("graph.check", slot.check),
        ("graph.choices", ", ".join(slot.choices)),
        ("graph.currency", slot.currency),
        ("graph.trust", "" if slot.needs == "user" else slot.needs),
    ]
    return {
        "name": name,
        "type": slot.type,
        "asks": words_in(slot.ask, language),
        "notes": [sentence(language, key, value=value) for key, value in notes if value],
    }


def _tool(pack: OpenPack, tool: Tool, language: str) -> dict[str, Any]:
    rules = pack.executor.rules_for(tool.name)
    if rules:
        left = sentence(language, "graph.no_rule" if tool.writes else "graph.may_read")
    else:
        left = sentence(language, "graph.deny" if tool.writes else "graph.allow")
    return {
        "name": tool.name,
        "about": "" if tool.strangers_about else tool.about.partition("\n")[0],
        "writes": tool.writes,
        "rules": [*(_rule(one, language) for one in rules), {"id": "", "told": left}],
    }


def _rule(rule: Rule, language: str) -> dict[str, str]:
    role = sentence(language, _ROLES[rule.approver]) if rule.approver in _ROLES else rule.approver
    does = sentence(language, _DOES[rule.do], role=role)
    bounds = "; ".join(_bounds(rule, language))
    return {"id": rule.id, "told": f"{does} ({bounds})" if bounds else does}


def _bounds(rule: Rule, language: str) -> Iterator[str]:
    """When a rule holds, a phrase for each condition."""
    if rule.when:
        yield ", ".join(f"{name} {text}" for name, text in rule.when.items())
    if rule.roles:
        yield sentence(language, "graph.roles", roles=", ".join(rule.roles))
    if rule.at_most is not None:
        hours = f"{rule.within_s / 3600:g}"
        yield sentence(language, "graph.at_most", count=rule.at_most, hours=hours)

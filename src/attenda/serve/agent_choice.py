"""What of a pack an agent has, over HTTP: what there is to choose, what won't do, what changed."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from attenda.core.errors import NotFound, UserError
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.dialogue.flow import words_in
from attenda.runtime.choice import (
    Chosen,
    Needs,
    Unmet,
    always,
    choosable,
    needs_of,
    unmet,
)
from attenda.runtime.house import House
from attenda.runtime.pack import OpenPack
from attenda.serve.gate import house_of, require
from attenda.tools.tool import Tool

__all__ = ["changes", "faults", "router", "with_choice"]

router = APIRouter(prefix="/api", tags=["agents"])
Maker = Annotated[Principal, Depends(require("manage_agents"))]
_KINDS = ("flows", "tools")
_GONE = {"flows": "choice.flow_gone", "tools": "choice.tool_gone"}
_UNKNOWN = {"flows": "choice.unknown_flow", "tools": "choice.unknown_tool"}


@router.get("/packs/{pack}/abilities")
async def abilities(request: Request, who: Maker, pack: str) -> dict[str, Any]:
    """The flows and tools of a pack that an agent may have, and what each flow needs.

    A flow that is `always` there is begun by the pack's own first look, whatever is chosen.
    """
    house = house_of(request)
    if pack not in house.packs:
        raise NotFound("pack.unknown", name=pack)
    opened, language = house.packs[pack], who.language
    flows = opened.book.current
    alarms, free = always(opened.pack), choosable(opened.pack, flows)
    named = [name for name in flows if name in alarms or name in free]
    return {
        "looks_first": opened.pack.first is not None,
        "flows": [_flow(opened, name, name in alarms, language) for name in named],
        "tools": [_tool(one, language) for one in opened.executor.tools.values()],
    }


def _flow(pack: OpenPack, name: str, always: bool, language: str) -> dict[str, Any]:
    flow, needs = pack.book.current[name], needs_of(pack.pack, pack.book.current, name)
    examples = flow.examples.get(language) or next(iter(flow.examples.values()), ())
    return {
        "name": name,
        "title": words_in(flow.title, language),
        "example": next(iter(examples), ""),
        "needs": {"flows": sorted(needs.flows), "tools": sorted(needs.tools)},
        "always": always,
    }


def _tool(tool: Tool, language: str) -> dict[str, Any]:
    """`server` is that of a tool of another program's, whose `about` is a stranger's."""
    about = tool.words.get(language, {}).get("") or tool.about.partition("\n")[0]
    server = tool.name.partition(".")[0] if tool.strangers_about else ""
    return {
        "name": tool.name,
        "about": about.strip(),
        "writes": tool.writes,
        "server": server,
    }


def with_choice(
    house: House, values: dict[str, Any], before: Mapping[str, Any], language: str
) -> dict[str, Any]:
    """The fields of an agent with a choice that its pack can keep; another pack is had whole.

    What was chosen `before` stays, though the pack has it no more.

    Raises:
        NotFound: its pack is not at work here.
        UserError: there is no pack, no such flow or tool, or a flow needs what isn't chosen.
    """
    moved = "pack" in values and values["pack"] != before.get("pack", "")
    given = _in_order(house, {kind: None for kind in _KINDS if moved} | values, before)
    after = {**before, **given}
    same = all(after.get(name) == before.get(name) for name in (*_KINDS, "pack", "mode"))
    if same or all(after.get(kind) is None for kind in _KINDS):
        return given
    if not after.get("pack"):
        raise UserError("choice.no_pack")
    if after["pack"] not in house.packs:
        raise NotFound("pack.unknown", name=after["pack"])
    _check(house.packs[after["pack"]], after, {} if moved else before, language)
    return given


def _in_order(house: House, given: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What is given with each name once, and without alarms, which there is no choosing about."""
    pack = house.packs.get({**before, **given}.get("pack", ""))
    left_out = {"flows": always(pack.pack) if pack else frozenset(), "tools": frozenset()}
    lists = {
        kind: sorted(set(given[kind]) - left_out[kind])
        for kind in _KINDS
        if given.get(kind) is not None
    }
    return given | lists


def _check(
    pack: OpenPack, after: Mapping[str, Any], before: Mapping[str, Any], language: str
) -> None:
    """Refuse a choice of what the pack does not have, and flows that lack what they need."""
    for kind in _KINDS:
        known = {*_names(pack, kind), *(before.get(kind) or ())}
        for name in sorted(set(after.get(kind) or ()) - known):
            raise UserError(_UNKNOWN[kind], name=name, known=", ".join(_names(pack, kind)) or "—")
    if after.get("mode", "flows") == "flows":
        for lacking in _unmet(pack, after.get("flows"), after.get("tools")):
            told = _lacks(pack, lacking.needs, language)
            raise UserError("choice.unmet", flow=_title(pack, lacking.flow, language), needs=told)


def _names(pack: OpenPack, kind: str) -> Collection[str]:
    """What there is to choose."""
    if kind == "flows":
        return choosable(pack.pack, pack.book.current)
    return list(pack.executor.tools)


def _unmet(pack: OpenPack, flows: Chosen, tools: Chosen) -> list[Unmet]:
    return unmet(pack.pack, pack.book.current, flows, tools)


def _title(pack: OpenPack, name: str, language: str) -> str:
    flow = pack.book.current.get(name)
    return words_in(flow.title, language) if flow else name


def _lacks(pack: OpenPack, needs: Needs, language: str) -> str:
    flows = [_title(pack, one, language) for one in sorted(needs.flows)]
    found = [sentence(language, "choice.the_flow", name=one) for one in flows]
    found += [sentence(language, "choice.the_tool", name=one) for one in sorted(needs.tools)]
    return ", ".join(found)


def faults(house: House, agent: Mapping[str, Any], language: str) -> list[str]:
    """What of an agent's choice does not work as its pack is now, a sentence each."""
    pack = house.packs.get(agent["pack"])
    if pack is None:
        return []
    gone = [
        sentence(language, _GONE[kind], name=name)
        for kind in _KINDS
        for name in sorted(set(agent[kind] or ()) - set(_names(pack, kind)))
    ]
    flows_decide = agent["mode"] == "flows"
    held = _unmet(pack, agent["flows"], agent["tools"]) if flows_decide else []
    return gone + [
        sentence(
            language,
            "choice.held",
            flow=_title(pack, one.flow, language),
            needs=_lacks(pack, one.needs, language),
        )
        for one in held
    ]


def changes(
    house: House, before: Mapping[str, Any], after: Mapping[str, Any], language: str
) -> dict[str, dict[str, list[str]]]:
    """Flows by title and tools by name that an agent got and lost, of one pack as it is now."""
    pack = house.packs.get(after["pack"])
    if pack is None or before["pack"] != after["pack"]:
        return {}
    found = {}
    for kind in _KINDS:
        old, new = (
            set(_names(pack, kind) if one[kind] is None else one[kind]) for one in (before, after)
        )
        if before[kind] != after[kind]:
            lists = {"added": sorted(new - old), "removed": sorted(old - new)}
            found[kind] = {
                way: [_title(pack, one, language) if kind == "flows" else one for one in names]
                for way, names in lists.items()
            }
    return found

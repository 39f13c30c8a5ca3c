"""MCP over HTTP: search and agents as tools, and what packs offer to programs.

A program with a person's key has that person's rights and no more. What it sends is untrusted: it
may be a model's choice. So it reads alone; whatever writes is done by asking an agent, in whose
flows it is confirmed and, where the rules say so, approved.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.types import Receive, Scope, Send

from attenda.core.errors import AttendaError, Conflict, ModelError, NotFound, UserError
from attenda.core.event import Cited, RunFinished, TextAdded
from attenda.core.label import Label, Labelled
from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.runtime.house import House
from attenda.runtime.started import Noted
from attenda.serve.gate import house_of, language_of, principal, require
from attenda.store import agents, sessions
from attenda.store.database import Connection
from attenda.tools.call import Call
from attenda.tools.mcp import sdk
from attenda.tools.tool import Tool

__all__ = ["close_door", "router"]

router = APIRouter(tags=["mcp"])
Chatter = Annotated[Principal, Depends(require("chat"))]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Search(_Arguments):
    query: str = Field(min_length=1, max_length=4000, description="What to look for.")
    k: int = Field(default=5, ge=1, le=20, description="How many passages.")


class _Ask(_Arguments):
    question: str = Field(min_length=1, description="The question, or the answer to the agent's.")
    agent: str = Field(default="", description="Name of an agent; none asks the documents alone.")
    conversation: str = Field(default="", description="Id of a conversation to go on with.")


@router.post("/mcp", include_in_schema=False)
async def mcp(request: Request, who: Chatter) -> Response:
    """One request of an MCP client."""
    return _Answer(request, _Desk(house_of(request), who, request))


class _Answer(Response):
    """The answer, which the SDK sends."""

    def __init__(self, request: Request, desk: "_Desk") -> None:
        super().__init__()
        self._request = request
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to the SDK."""
        server = sdk("mcp_server")
        state = self._request.app.state
        if getattr(state, "mcp_door", None) is None:
            state.mcp_door = server.Door()
        offer = server.Offer(self._desk.list_tools, self._desk.call_tool)
        await state.mcp_door.answer(offer, scope, receive, send)


async def close_door(state: Any) -> None:
    """End the requests under way."""
    if (door := getattr(state, "mcp_door", None)) is not None:
        await door.close()


@dataclass(frozen=True, slots=True)
class _Desk:
    """What one person's program may ask for."""

    house: House
    who: Principal
    request: Request

    async def list_tools(self) -> list[dict[str, Any]]:
        """Search, ask, and the reading tools that packs offer."""
        found = [
            _listed("search", sentence("en", "mcp.about_search"), _Search.model_json_schema()),
            _listed("ask", await self._about_ask(), _Ask.model_json_schema(), reads=False),
        ]
        return found + [
            _listed(name, tool.about, tool.schema()) for name, (_, tool) in self._offered().items()
        ]

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """A result, or a sentence of what failed."""
        try:
            text, data = await self._called(name, arguments)
            await principal(self.request)  # rights that ended meanwhile end the answer too
        except AttendaError as error:
            text = error.text(language_of(self.request))
            return {"content": [{"type": "text", "text": text}], "isError": True}
        return {"content": [{"type": "text", "text": text}], "structuredContent": data}

    async def _called(self, name: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        try:
            if name == "search":
                return await self._search(_Search.model_validate(arguments))
            if name == "ask":
                return await self._ask(_Ask.model_validate(arguments))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise UserError("tool.argument", tool=name, name=place, problem=first["msg"]) from error
        offered = self._offered()
        if name not in offered:
            raise NotFound("tool.unknown", name=name[:100])
        return await self._read(*offered[name], arguments)

    async def _about_ask(self) -> str:
        rows = await self.house.database.read(lambda c: agents.list_agents(c, self.who))
        names = ", ".join(str(row["name"]) for row in rows) or "—"
        return sentence("en", "mcp.about_ask", agents=names)

    async def _search(self, asked: _Search) -> tuple[str, dict[str, Any]]:
        ranked = await self.house.searcher.search(self.who, asked.query, asked.k)
        found = [one.found().model_dump() for one in ranked]
        text = "\n\n".join(f"[{n}] {_place(row)}\n{row['text']}" for n, row in enumerate(found, 1))
        return text, {"passages": found}

    async def _ask(self, asked: _Ask) -> tuple[str, dict[str, Any]]:
        house, who = self.house, self.who
        session_id = await house.database.write(lambda c: self._session(c, asked))
        text, citations, ended = "", [], False
        started = await house.runs.start(who, session_id, asked.question)
        if isinstance(started, Noted):
            raise Conflict("desk.with_person")
        try:
            async for heard in house.runs.follow(session_id, started.after):
                event = heard.event
                if isinstance(event, TextAdded):
                    text += event.text
                elif isinstance(event, Cited):
                    citations.append(event.citation.model_dump())
                elif isinstance(event, RunFinished):
                    ended = True
                    if event.reason == "failed":
                        raise ModelError(event.error_key or "run.broken", **event.error_values)
        finally:
            if not ended:  # nobody waits for it any more
                await asyncio.shield(house.runs.stop(who, session_id))
        return text, {"answer": text, "citations": citations, "conversation": session_id}

    def _session(self, connection: Connection, asked: _Ask) -> str:
        if asked.conversation:
            return sessions.get_session(connection, self.who, asked.conversation).id
        agent_id = None
        if asked.agent:
            rows = agents.list_agents(connection, self.who)
            named = (str(row["id"]) for row in rows if asked.agent in (row["name"], row["id"]))
            agent_id = next(named, None)
            if agent_id is None:
                raise NotFound("mcp.no_agent", name=asked.agent[:100])
        return sessions.create_session(connection, self.house.stamps, self.who, agent_id).id

    def _offered(self) -> dict[str, tuple[str, Tool]]:
        """Reading tools that packs offer, by the name that programs know."""
        return {
            f"{pack}-{name}".replace(".", "-"): (pack, opened.executor.tools[name])
            for pack, opened in self.house.packs.items()
            for name in opened.executor.offers
        }

    async def _read(
        self, pack: str, tool: Tool, arguments: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        label = Label(integrity="untrusted", readers=frozenset({self.who.id}))
        call = Call(
            session_id="mcp",
            instance=self.house.stamps.new_id("mcp"),
            step="",
            tool=tool.name,
            arguments={name: Labelled(value=one, label=label) for name, one in arguments.items()},
            because=label,
            who=self.who,
        )
        outcome = await self.house.packs[pack].executor.perform(call)
        if outcome.result is None:
            raise outcome.problem or UserError("tool.broke", tool=tool.name)
        value = outcome.result.value
        data = value if isinstance(value, dict) else {"result": value}
        return outcome.result.model_dump_json(include={"value"}), data


def _place(row: Mapping[str, Any]) -> str:
    page = f", p. {row['page']}" if row["page"] else ""
    heading = f", {row['heading']}" if row["heading"] else ""
    return f"{row['document']}{page}{heading}"


def _listed(name: str, about: str, schema: dict[str, Any], *, reads: bool = True) -> dict[str, Any]:
    hints = {"readOnlyHint": reads, "destructiveHint": False, "openWorldHint": False}
    return {"name": name, "description": about, "inputSchema": schema, "annotations": hints}

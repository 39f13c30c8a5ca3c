"""Agents over HTTP: made in the page, chosen for a chat."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from attenda.core.errors import NotFound, UserError
from attenda.core.principal import Principal
from attenda.dialogue.flow import words_in
from attenda.runtime.agent import AgentMode
from attenda.runtime.house import House
from attenda.serve.agent_choice import changes, faults, with_choice
from attenda.serve.gate import house_of, principal, require
from attenda.store import agent_versions, agents, documents
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["agents"])
Who = Annotated[Principal, Depends(principal)]
Maker = Annotated[Principal, Depends(require("manage_agents"))]


_Name = Annotated[str, Field(max_length=200)]
_ALL = ("collection_ids", "flows", "tools")


class AgentFields(BaseModel):
    """What an agent is made of; for a change, what is not given stays."""

    name: str | None = Field(default=None, max_length=80)
    tone: str | None = Field(default=None, max_length=40)
    instructions: str | None = Field(default=None, max_length=20_000)
    model: str | None = Field(default=None, max_length=200)
    collection_ids: list[str] | None = None
    """Which documents it answers from; null takes all that the person may see."""
    pack: str | None = Field(default=None, max_length=80)
    """Whose flows and tools it has; empty is none."""
    flows: list[_Name] | None = Field(default=None, max_length=500)
    """Names of the flows that it begins; null takes all, also those of later packs."""
    tools: list[_Name] | None = Field(default=None, max_length=500)
    """Names of the tools that it has, those of MCP servers too; null takes all."""
    mode: AgentMode | None = None
    """Its flows decide what is done, or its model chooses tools, which it must be able to."""

    def given(self) -> dict[str, Any]:
        """What was given; null is a value where it means all."""
        values = self.model_dump(exclude_unset=True)
        return {k: v for k, v in values.items() if v is not None or k in _ALL}


class NewAgent(AgentFields):
    """A new agent, for everyone or for its maker alone."""

    shared: bool = True
    draft: bool = False
    """Nobody else sees it before it is published."""


@router.get("/agents")
async def list_(request: Request, who: Who) -> list[dict[str, Any]]:
    """The agents I may talk to; to who may change them, with word of their drafts."""

    def load(connection: Connection) -> list[dict[str, Any]]:
        rows = agents.list_agents(connection, who)
        if not who.may("manage_agents"):
            return [{**row, "draft": ""} for row in rows]
        drafts = agent_versions.drafts(connection)
        told = {row["id"]: faults(house, row, who.language) for row in rows}
        return [
            {**row, "draft": drafts.get(row["id"], ""), "faults": told[row["id"]]} for row in rows
        ]

    house = house_of(request)
    return await house.database.read(load)


@router.post("/agents", status_code=201)
async def create(request: Request, who: Maker, body: NewAgent) -> dict[str, str]:
    """A new agent."""
    house = house_of(request)
    values = _known(house, body.given(), {}, who.language)
    shared, is_draft = values.pop("shared", True), values.pop("draft", False)

    def make(connection: Connection) -> str:
        seen = shared and not is_draft
        id_ = agents.create_agent(connection, house.stamps, who, shared=seen, **values)
        if is_draft:
            agent_versions.keep_draft(connection, house.stamps, who, id_, values, shares=shared)
        return id_

    return {"id": await house.database.write(make)}


@router.patch("/agents/{agent_id}", status_code=204)
async def change(request: Request, who: Maker, agent_id: str, body: AgentFields) -> None:
    """Change an agent at once, without its draft: a version of its own."""
    house = house_of(request)
    before = await house.database.read(lambda c: agents.get_agent(c, who, agent_id))
    values = _known(house, body.given(), before, who.language)
    await house.database.write(
        lambda c: agent_versions.publish(c, house.stamps, who, agent_id, values)
    )


@router.get("/agents/{agent_id}/draft")
async def read_draft(request: Request, who: Maker, agent_id: str) -> dict[str, Any]:
    """The agent as its editor shows it: the draft, what of it is not published, the version.

    `faults` say what of its choice does not work as its pack is now, `changes` which flows and
    tools the draft has got and lost.
    """
    house = house_of(request)
    state = await house.database.read(lambda c: agent_versions.state_of(c, who, agent_id))
    fields, published = state["fields"], state["published"]
    return {
        **state,
        "faults": faults(house, fields, who.language),
        "changes": changes(house, published, fields, who.language) if state["version"] else {},
    }


@router.put("/agents/{agent_id}/draft", status_code=204)
async def keep_draft(request: Request, who: Maker, agent_id: str, body: AgentFields) -> None:
    """Change the draft; only trials answer by it."""
    house = house_of(request)
    before = await house.database.read(lambda c: agent_versions.draft_of(c, who, agent_id))
    values = _known(house, body.given(), before, who.language)
    await house.database.write(
        lambda c: agent_versions.keep_draft(c, house.stamps, who, agent_id, values)
    )


@router.delete("/agents/{agent_id}/draft", status_code=204)
async def drop_draft(request: Request, who: Maker, agent_id: str) -> None:
    """Leave the agent as it is published."""
    await house_of(request).database.write(lambda c: agent_versions.drop_draft(c, who, agent_id))


@router.post("/agents/{agent_id}/publish")
async def publish(request: Request, who: Maker, agent_id: str) -> dict[str, int]:
    """Let the next answers follow the draft; the number of the version."""
    house = house_of(request)
    state = await house.database.read(lambda c: agent_versions.state_of(c, who, agent_id))
    _known(house, state["fields"], state["published"], who.language)
    number = await house.database.write(
        lambda c: agent_versions.publish(c, house.stamps, who, agent_id)
    )
    return {"version": number}


@router.get("/agents/{agent_id}/versions")
async def versions(request: Request, who: Maker, agent_id: str) -> list[dict[str, Any]]:
    """The published versions, the newest first: who, when, what changed.

    `changes` are the flows and tools that each got and lost against the one before it.
    """
    house = house_of(request)
    rows = await house.database.read(lambda c: agent_versions.versions_of(c, who, agent_id))
    before = [*rows[1:], *rows[-1:]]
    return [
        {**row, "changes": changes(house, old["body"], row["body"], who.language)}
        for row, old in zip(rows, before, strict=True)
    ]


@router.post("/agents/{agent_id}/versions/{number}/restore")
async def roll_back(request: Request, who: Maker, agent_id: str, number: int) -> dict[str, int]:
    """Publish an older version anew; the number that it has now."""
    house = house_of(request)
    found = await house.database.write(
        lambda c: agent_versions.restore(c, house.stamps, who, agent_id, number)
    )
    return {"version": found}


@router.delete("/agents/{agent_id}", status_code=204)
async def delete(request: Request, who: Maker, agent_id: str) -> None:
    """Put an agent into the trash."""
    house = house_of(request)
    await house.database.write(lambda c: agents.delete_agent(c, house.stamps, who, agent_id))


@router.post("/agents/{agent_id}/restore", status_code=204)
async def restore(request: Request, who: Maker, agent_id: str) -> None:
    """Bring an agent back."""
    house = house_of(request)
    await house.database.write(
        lambda c: agents.delete_agent(c, house.stamps, who, agent_id, gone=False)
    )


@router.get("/packs")
async def packs(request: Request, who: Who) -> list[dict[str, Any]]:
    """The packs at work here: what an agent that has one can do, and with which tools."""
    return [
        {
            "name": one.pack.name,
            "title": words_in(dict(one.pack.title), who.language),
            "flows": [
                words_in(flow.title, who.language)
                for flow in one.book.current.values()
                if not flow.hidden
            ],
            "tools": [
                {"name": tool.name, "about": tool.about, "writes": tool.writes}
                for tool in one.executor.tools.values()
            ],
            "importers": [
                {"name": importer.name, "suffixes": importer.suffixes}
                for importer in one.pack.importers
            ],
        }
        for one in house_of(request).packs.values()
    ]


def _known(
    house: House, values: dict[str, Any], before: dict[str, Any], language: str
) -> dict[str, Any]:
    """The fields of an agent, if there is such a pack and its model can do what is asked of it.

    Raises:
        NotFound: there is no such pack, or no such model.
        UserError: the model is to choose tools and can't, or what is chosen won't do.
    """
    if values.get("pack") and values["pack"] not in house.packs:
        raise NotFound("pack.unknown", name=values["pack"])
    after = {**before, **values}
    if after.get("mode") == "loop" and {"mode", "model"} & values.keys():
        model = house.models.chat(after.get("model", ""))
        if not model.calls_tools:
            raise UserError("model.no_tools", name=model.name)
    return with_choice(house, values, before, language)


@router.get("/collections")
async def collections(request: Request, who: Who) -> list[dict[str, Any]]:
    """The collections of documents I may see."""
    rows = await house_of(request).database.read(lambda c: documents.list_collections(c, who))
    return [{"id": row.id, "name": row.name, "shared": row.team_id is not None} for row in rows]

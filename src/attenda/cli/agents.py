"""`attenda agents …`: what the page /agents does, from the terminal, by the same requests.

An agent in a file names its collections, so that another home can read it; everything else is as
the page keeps it.
"""

import json
from datetime import UTC, datetime
from typing import Any

import httpx

from attenda.cli.client import request
from attenda.cli.terminal import err, out
from attenda.core.errors import NotFound, UserError
from attenda.core.words import sentence

__all__ = [
    "export_agent",
    "import_agent",
    "list_agents",
    "publish_agent",
    "roll_agent_back",
    "show_agent",
]

_FIELDS = ("name", "tone", "instructions", "model", "collections", "pack", "mode", "flows", "tools")


async def list_agents(client: httpx.AsyncClient, language: str, *, as_json: bool) -> int:
    """Print the agents, each with what of it is published and what of its choice won't do."""
    rows = await request(client, "GET", "/api/agents")
    if as_json:
        _print(rows)
        return 0
    if not rows:
        out.print(sentence(language, "page.no_agents"), markup=False)
    for row in rows:
        key = f"page.draft_{row['draft']}" if row["draft"] else "page.version_now"
        state = sentence(language, key)
        out.print(f"{row['id']}  {row['name']}  {row['pack'] or '—'}  {state}", markup=False)
        for fault in row["faults"]:
            out.print(f"  {fault}", style="yellow", markup=False)
    return 0


async def show_agent(client: httpx.AsyncClient, name: str, language: str, *, as_json: bool) -> int:
    """Print an agent: its fields as its draft has them, what is not published, its versions.

    Raises:
        NotFound: there is none called so.
        UserError: several are.
    """
    id_ = await _id_of(client, name)
    state = await request(client, "GET", f"/api/agents/{id_}/draft")
    versions = await request(client, "GET", f"/api/agents/{id_}/versions")
    if as_json:
        _print({"id": id_, **state, "versions": versions})
        return 0
    told = await _in_a_file(client, state["fields"])
    out.print(id_, markup=False)
    for field, value in told.items():
        label = sentence(language, f"page.field_{field.replace('collections', 'collection_ids')}")
        shown = ", ".join(value) if isinstance(value, list) else value
        shown = sentence(language, "agents.all") if value is None else shown or "—"
        out.print(f"  {label}: {shown}", markup=False)
    out.print(_state(state, language), markup=False)
    for fault in state["faults"]:
        out.print(fault, style="yellow", markup=False)
    for one in versions:
        out.print(_version(one, language), markup=False, style="dim")
    return 0


async def export_agent(
    client: httpx.AsyncClient, name: str, *, draft: bool, version: int | None
) -> int:
    """Print an agent as a file: as it is published, its draft, or one of its versions.

    One that was never published is its draft.

    Raises:
        NotFound: there is none called so, or no such version.
        UserError: several are called so.
    """
    id_ = await _id_of(client, name)
    state = await request(client, "GET", f"/api/agents/{id_}/draft")
    fields = state["fields"] if draft or state["version"] == 0 else state["published"]
    if version is not None:
        versions = await request(client, "GET", f"/api/agents/{id_}/versions")
        found = [one["body"] for one in versions if one["number"] == version]
        if not found:
            raise NotFound("agent.no_version", number=version)
        fields = found[0]
    _print(await _in_a_file(client, fields))
    return 0


async def import_agent(
    client: httpx.AsyncClient, text: str, file: str, into: str, language: str, *, as_json: bool
) -> int:
    """Keep what a file says as the draft of an agent: of that called `into`, or as in the file.

    Where none is called as in the file a new one is made, its maker's alone until it is published.

    Raises:
        NotFound: there is no such agent, or a collection that it names is not here.
        UserError: the file is no agent, or several are called so.
    """
    body = _read(text, file)
    if "collections" in body:
        body["collection_ids"] = await _ids_of_collections(client, body.pop("collections"))
    rows = await request(client, "GET", "/api/agents")
    id_ = _one(rows, into or body["name"]) if into or _called(rows, body["name"]) else ""
    if id_:
        await request(client, "PUT", f"/api/agents/{id_}/draft", json=body)
    else:
        made = await request(client, "POST", "/api/agents", json={**body, "draft": True})
        id_ = made["id"]
    if as_json:
        _print({"id": id_})
    else:
        said = sentence(language, "agents.kept", name=body["name"])
        out.print(f"{said}\nattenda agents publish {id_}", markup=False)
    return 0


async def publish_agent(
    client: httpx.AsyncClient, name: str, language: str, *, as_json: bool
) -> int:
    """Let the next answers follow an agent's draft.

    Raises:
        NotFound: there is none called so.
        UserError: several are.
    """
    path = f"/api/agents/{await _id_of(client, name)}/publish"
    return _published(await request(client, "POST", path), language, as_json=as_json)


async def roll_agent_back(
    client: httpx.AsyncClient, name: str, version: int, language: str, *, as_json: bool
) -> int:
    """Publish an older version anew.

    Raises:
        NotFound: there is none called so, or no such version.
        UserError: several are called so.
    """
    path = f"/api/agents/{await _id_of(client, name)}/versions/{version}/restore"
    return _published(await request(client, "POST", path), language, as_json=as_json)


def _published(made: dict[str, int], language: str, *, as_json: bool) -> int:
    if as_json:
        _print(made)
    else:
        err.print(sentence(language, "page.published_n", n=made["version"]), markup=False)
    return 0


def _state(state: dict[str, Any], language: str) -> str:
    if not state["version"]:
        return sentence(language, "page.draft_new")
    if not state["unpublished"]:
        return sentence(language, "page.draft_same")
    return sentence(language, "page.draft_differs", fields=_named(state["unpublished"], language))


def _version(one: dict[str, Any], language: str) -> str:
    at = datetime.fromtimestamp(one["published_at"] / 1e6, UTC).astimezone()
    who = one["by"] or sentence(language, "page.nameless")
    changed = _named(one["changed"], language)
    back = one["restores"]
    parts = [
        sentence(language, "page.version_n", n=one["number"]),
        sentence(language, "page.version_by", name=who, when=f"{at:%Y-%m-%d %H:%M}"),
        sentence(language, "page.version_restores", n=back) if back else "",
        sentence(language, "page.version_changed", fields=changed) if changed else "",
    ]
    return "  ".join(one for one in parts if one)


def _named(fields: list[str], language: str) -> str:
    return ", ".join(sentence(language, f"page.field_{one}") for one in fields)


async def _in_a_file(client: httpx.AsyncClient, fields: dict[str, Any]) -> dict[str, Any]:
    """An agent's fields with its collections by name; one that is gone by now is left out."""
    names = fields["collection_ids"]
    if names is not None:
        known = {one["id"]: one["name"] for one in await request(client, "GET", "/api/collections")}
        names = [known[one] for one in names if one in known]
    return {name: names if name == "collections" else fields[name] for name in _FIELDS}


async def _ids_of_collections(
    client: httpx.AsyncClient, names: list[str] | None
) -> list[str] | None:
    """Ids of collections that are here, by names or ids; none is all."""
    if names is None:
        return None
    rows = await request(client, "GET", "/api/collections")
    return [_one(rows, name, "agents.no_collection") for name in names]


def _read(text: str, file: str) -> dict[str, Any]:
    """What a file says of an agent."""
    try:
        body = json.loads(text)
    except ValueError as error:
        raise UserError("agents.file", file=file) from error
    if not isinstance(body, dict) or not isinstance(body.get("name"), str):
        raise UserError("agents.file", file=file)
    for name in body:
        if name not in _FIELDS:
            raise UserError("agents.field", file=file, name=name, known=", ".join(_FIELDS))
    names = body.get("collections")
    if names is not None and not (
        isinstance(names, list) and all(isinstance(one, str) for one in names)
    ):
        raise UserError("agents.file", file=file)
    return body


async def _id_of(client: httpx.AsyncClient, name: str) -> str:
    return _one(await request(client, "GET", "/api/agents"), name)


def _called(rows: list[dict[str, Any]], name: str) -> list[str]:
    """Ids of those that have this id or name."""
    return [str(row["id"]) for row in rows if name in (row["id"], row["name"])]


def _one(rows: list[dict[str, Any]], name: str, missing: str = "agent.missing") -> str:
    """The id of the one that is called so, `missing` being what is said where none is."""
    found = _called(rows, name)
    if not found:
        raise NotFound(missing, name=name)
    if len(found) > 1:
        raise UserError("agents.which", name=name, ids=", ".join(found))
    return found[0]


def _print(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))

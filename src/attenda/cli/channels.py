"""`attenda channels …`: ways in for people who are no users, from the terminal."""

import json
from collections.abc import Sequence
from typing import Any

import httpx

from attenda.cli.client import request
from attenda.cli.terminal import err, out
from attenda.core.errors import NotFound

__all__ = ["add_channel", "list_channels", "print_secret", "revoke_channel"]


async def list_channels(client: httpx.AsyncClient, *, as_json: bool) -> int:
    """Print the channels, the closed ones too."""
    rows = (await request(client, "GET", "/api/channels"))["channels"]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    for row in rows:
        state = "closed" if row["revoked_at"] else "open"
        where = ", ".join(row["origins"]) or row["mailbox"] or "—"
        out.print(f"{row['id']}  {row['kind']}  {state}  {row['name']}  {where}", markup=False)
    return 0


async def add_channel(
    client: httpx.AsyncClient,
    body: dict[str, Any],
    agent: str,
    collections: Sequence[str],
    address: str,
    *,
    as_json: bool,
) -> int:
    """Make a channel; of a chat widget, print the line for its site."""
    body["agent_id"] = await _id_of(client, "/api/agents", agent, "agent.missing")
    if collections:
        body["collection_ids"] = [
            await _id_of(client, "/api/collections", one, "channel.collection")
            for one in collections
        ]
    made = await request(client, "POST", "/api/channels", json=body)
    if made["kind"] == "mail":
        print(json.dumps(made, ensure_ascii=False) if as_json else made["id"])
        return 0
    tag = f'<script src="{address}/widget.js" data-channel="{made["id"]}"></script>'
    print(json.dumps({**made, "tag": tag}, ensure_ascii=False) if as_json else tag)
    return 0


async def print_secret(client: httpx.AsyncClient, name: str) -> int:
    """Print the secret with which a site's server says who its customers are."""
    id_ = await _open_id(client, name)
    print((await request(client, "POST", f"/api/channels/{id_}/secret"))["secret"])
    return 0


async def revoke_channel(client: httpx.AsyncClient, name: str) -> int:
    """Close a channel for good."""
    await request(client, "DELETE", f"/api/channels/{await _open_id(client, name)}")
    err.print(f"Closed {name}.", markup=False)
    return 0


async def _open_id(client: httpx.AsyncClient, name: str) -> str:
    rows = (await request(client, "GET", "/api/channels"))["channels"]
    return _one([row for row in rows if not row["revoked_at"]], name, "channel.missing")


async def _id_of(client: httpx.AsyncClient, path: str, name: str, key: str) -> str:
    return _one(await request(client, "GET", path), name, key)


def _one(rows: list[dict[str, Any]], name: str, key: str) -> str:
    for row in rows:
        if name in (row["id"], row["name"]):
            return str(row["id"])
    raise NotFound(key)

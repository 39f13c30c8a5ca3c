"""`attenda user …` and `attenda key …`: people and keys from the terminal."""

import json
from typing import Any

import httpx
from rich.table import Table

from attenda.cli.client import request
from attenda.cli.owner import noted_address
from attenda.cli.terminal import err, out
from attenda.core.config import Settings
from attenda.core.errors import NotFound, OperatorError

__all__ = [
    "change_user",
    "create_key",
    "invite",
    "list_keys",
    "list_users",
    "print_link",
    "revoke_key",
]


async def list_users(client: httpx.AsyncClient, *, as_json: bool) -> int:
    """Print all users."""
    rows = await request(client, "GET", "/api/users")
    _print(rows, ("id", "email", "name", "role", "disabled_at"), as_json=as_json)
    return 0


async def invite(
    client: httpx.AsyncClient, role: str, *, reset: str, address: str, as_json: bool
) -> int:
    """Print a link that lets one person in, or lets a known one choose a new password."""
    body: dict[str, Any] = {"role": role}
    if reset:
        body["user_id"] = (await _user(client, reset))["id"]
    made = await request(client, "POST", "/api/invitations", json=body)
    link = f"{address.rstrip('/')}{made['path']}"
    print(json.dumps({**made, "link": link}) if as_json else link)
    return 0


async def print_link(client: httpx.AsyncClient, settings: Settings) -> int:
    """Print a link that signs one browser in as the owner.

    Raises:
        OperatorError: no `attenda up` serves the pages; a link of this command would end with it.
    """
    address = noted_address(settings)
    if address is None:
        raise OperatorError("owner.no_page", home=settings.home)
    made = await request(client, "POST", "/api/entrance")
    print(address + made["path"])
    return 0


async def change_user(client: httpx.AsyncClient, name: str, **values: Any) -> int:
    """Change a user's role or quota, disable, enable or erase them."""
    user = await _user(client, name)
    if values.pop("erase", False):
        await request(client, "DELETE", f"/api/users/{user['id']}")
        err.print(f"Erased {name}.", markup=False)
        return 0
    given = {key: value for key, value in values.items() if value is not None}
    await request(client, "PATCH", f"/api/users/{user['id']}", json=given)
    err.print(f"Changed {name}.", markup=False)
    return 0


async def create_key(
    client: httpx.AsyncClient, name: str, scopes: list[str], days: int | None, *, as_json: bool
) -> int:
    """Print a new key's secret, this once."""
    body = {"name": name, "scopes": scopes or None, "days": days}
    made = await request(client, "POST", "/api/keys", json=body)
    print(json.dumps(made) if as_json else made["secret"])
    return 0


async def list_keys(client: httpx.AsyncClient, *, as_json: bool) -> int:
    """Print my keys."""
    rows = await request(client, "GET", "/api/keys")
    _print(rows, ("id", "name", "scopes", "expires_at", "revoked_at"), as_json=as_json)
    return 0


async def revoke_key(client: httpx.AsyncClient, key_id: str) -> int:
    """End a key."""
    await request(client, "DELETE", f"/api/keys/{key_id}")
    err.print(f"Revoked {key_id}.", markup=False)
    return 0


async def _user(client: httpx.AsyncClient, name: str) -> dict[str, Any]:
    rows = await request(client, "GET", "/api/users")
    for row in rows:
        if name in (row["id"], row["email"]):
            found: dict[str, Any] = row
            return found
    raise NotFound("people.missing")


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*("" if row[column] is None else str(row[column]) for column in columns))
    out.print(table)

"""People over HTTP: sign in and out, first set-up, invitations, users, teams, keys, audit."""

import asyncio
import secrets
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from attenda.core.errors import Denied, Unauthenticated
from attenda.core.principal import Principal, Role
from attenda.serve.gate import COOKIE, credential, house_of, principal, require
from attenda.store import audit, consent, erased, invitations, keys, people, privacy
from attenda.store.database import Connection

__all__ = ["router", "set_cookie"]

router = APIRouter(prefix="/api", tags=["people"])
Who = Annotated[Principal, Depends(principal)]
Manager = Annotated[Principal, Depends(require("manage_people"))]
_MONTH_S = 30 * 86_400


class SignIn(BaseModel):
    """E-mail and password."""

    email: str = Field(max_length=254)
    password: str = Field(max_length=1000)


class NewPerson(BaseModel):
    """Who somebody is, and the password they choose."""

    name: str = Field(default="", max_length=120)
    email: str = Field(default="", max_length=254)
    password: str = Field(max_length=1000)


class Joining(NewPerson):
    """A person who came by an invitation's link."""

    token: str = Field(min_length=1, max_length=100)


class Invitation(BaseModel):
    """Whom to invite: a new person with a role, or a known one to set a new password."""

    role: Role = "agent"
    team_id: str | None = None
    user_id: str | None = None


class UserChange(BaseModel):
    """What to change of a user."""

    role: Role | None = None
    name: str | None = Field(default=None, max_length=120)
    disabled: bool | None = None
    tokens_a_day: int | None = Field(default=None, ge=0)
    teams: set[str] | None = None


class TeamName(BaseModel):
    """A team's name."""

    name: str = Field(min_length=1, max_length=80)


class NewKey(BaseModel):
    """A key to make."""

    name: str = Field(min_length=1, max_length=80)
    scopes: list[str] | None = None
    days: int | None = Field(default=None, ge=1, le=3650)


def set_cookie(request: Request, response: Response, token: str) -> None:
    """Give the browser its sign-in; marked secure where it came over TLS."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=_MONTH_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


async def _start_session(request: Request, response: Response, user_id: str) -> dict[str, str]:
    house = house_of(request)
    token = await house.database.write(lambda c: keys.sign_in(c, house.stamps, user_id))
    set_cookie(request, response, token)
    return {"user_id": user_id}


@router.post("/sign-in")
async def sign_in(request: Request, response: Response, body: SignIn) -> dict[str, str]:
    """Sign this browser in."""
    house = house_of(request)
    user_id = await people.check_password(house.database, house.stamps, body.email, body.password)
    if user_id is None:
        raise Unauthenticated("people.wrong_password")
    return await _start_session(request, response, user_id)


@router.post("/sign-out", status_code=204)
async def sign_out(request: Request, response: Response) -> None:
    """Sign this browser out; the cookie is worth nothing afterwards."""
    token = credential(request)
    if token:
        await house_of(request).database.write(lambda c: keys.end_login(c, token))
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


@router.post("/setup")
async def set_up(request: Request, response: Response, body: NewPerson) -> dict[str, str]:
    """Name the first administrator; needs the home's own key, and works once."""
    house = house_of(request)
    who = await principal(request)
    if who.id != people.OWNER_ID or who.scopes is not None:
        raise Denied("gate.not_allowed")
    await house.database.write(
        lambda c: people.set_up_owner(c, house.stamps, body.name, body.email, body.password)
    )
    return await _start_session(request, response, people.OWNER_ID)


@router.post("/entrance")
async def entrance(
    request: Request, who: Annotated[Principal, Depends(require("operate"))]
) -> dict[str, str]:
    """A link that signs one browser in as the local owner, once."""
    if who.id != people.OWNER_ID or who.scopes is not None:
        raise Denied("gate.not_allowed")
    house = house_of(request)
    token = secrets.token_urlsafe(32)
    house.entrances.add(token)
    return {"path": f"/enter?key={token}"}


@router.post("/join")
async def join(request: Request, response: Response, body: Joining) -> dict[str, str]:
    """Use an invitation's or a reset's link."""
    house = house_of(request)
    user_id = await house.database.write(
        lambda c: invitations.accept_invitation(
            c, house.stamps, body.token, body.name, body.email, body.password
        )
    )
    return await _start_session(request, response, user_id)


@router.get("/me")
async def me(request: Request, who: Who) -> dict[str, Any]:
    """Who I am and what I may do."""
    house = house_of(request)
    default = house.settings.train_on_chats
    set_up = await house.database.read(people.is_set_up)
    allowed = await house.database.read(lambda c: consent.person_consent(c, who.id, default))
    return {
        "id": who.id,
        "name": who.name,
        "role": who.role,
        "teams": sorted(who.teams),
        "set_up": set_up,
        "consent": asdict(allowed),
    }


@router.get("/me/export")
async def export_me(request: Request, who: Who) -> dict[str, Any]:
    """Everything kept about me."""
    house = house_of(request)
    default = house.settings.train_on_chats
    return await house.database.read(lambda c: privacy.export_person(c, who.id, default))


@router.get("/users")
async def list_users(request: Request, who: Manager) -> list[dict[str, Any]]:
    """All users with their teams."""

    def load(connection: Connection) -> list[dict[str, Any]]:
        of = people.teams_of(connection)
        return [
            {**asdict(user), "teams": of.get(user.id, [])} for user in people.list_users(connection)
        ]

    return await house_of(request).database.read(load)


@router.patch("/users/{user_id}", status_code=204)
async def change_user(request: Request, who: Manager, user_id: str, body: UserChange) -> None:
    """Change a user; lost rights end at once."""
    house = house_of(request)
    values = body.model_dump(exclude_unset=True, exclude={"teams"})
    values = {k: v for k, v in values.items() if v is not None or k == "tokens_a_day"}

    def change(connection: Connection) -> None:
        if values:
            people.change_user(connection, house.stamps, who, user_id, **values)
        if body.teams is not None:
            people.set_teams(connection, house.stamps, who, user_id, body.teams)

    await house.database.write(change)
    if body.disabled:
        await house.runs.stop_all_of(user_id)


@router.delete("/users/{user_id}", status_code=204)
async def erase_user(request: Request, who: Manager, user_id: str) -> None:
    """Erase a person: their account, keys, chats and private documents, for good."""
    house = house_of(request)
    await house.runs.stop_all_of(user_id)
    await house.database.write(lambda c: privacy.erase_person(c, house.stamps, who, user_id))
    await asyncio.to_thread(erased.forget, house.settings.home, [user_id])


@router.post("/invitations", status_code=201)
async def offer_invitation(request: Request, who: Manager, body: Invitation) -> dict[str, str]:
    """A link that lets one person in, or lets a known one choose a new password."""
    house = house_of(request)
    invitation_id, token = await house.database.write(
        lambda c: invitations.invite(
            c, house.stamps, who, role=body.role, team_id=body.team_id, user_id=body.user_id
        )
    )
    return {
        "id": invitation_id,
        "token": token,
        "path": f"/join{'?reset' if body.user_id else ''}#{token}",
    }


@router.get("/teams")
async def list_teams(request: Request, who: Who) -> list[dict[str, Any]]:
    """Teams: all for one who manages people, else one's own."""
    teams = await house_of(request).database.read(people.list_teams)
    return [asdict(team) for team in teams if who.may("manage_people") or team.id in who.teams]


@router.post("/teams", status_code=201)
async def create_team(request: Request, who: Manager, body: TeamName) -> dict[str, Any]:
    """A new team."""
    house = house_of(request)
    return asdict(
        await house.database.write(lambda c: people.create_team(c, house.stamps, who, body.name))
    )


@router.get("/keys")
async def list_keys(request: Request, who: Who) -> list[dict[str, Any]]:
    """My keys, without their secrets."""
    rows = await house_of(request).database.read(lambda c: keys.list_keys(c, who))
    return [asdict(row) for row in rows]


@router.post("/keys", status_code=201)
async def create_key(request: Request, who: Who, body: NewKey) -> dict[str, str]:
    """A new key of mine; the secret is shown this once."""
    if who.scopes is not None:
        raise Denied("gate.not_allowed")  # a limited key must not make an unlimited one
    house = house_of(request)
    key_id, secret = await house.database.write(
        lambda c: keys.create_key(
            c, house.stamps, who, body.name, scopes=body.scopes, days=body.days
        )
    )
    return {"id": key_id, "secret": secret}


@router.delete("/keys/{key_id}", status_code=204)
async def revoke_key(request: Request, who: Who, key_id: str) -> None:
    """End a key at once."""
    if who.scopes is not None:
        raise Denied("gate.not_allowed")
    house = house_of(request)
    await house.database.write(lambda c: keys.revoke_key(c, house.stamps, who, key_id))


@router.get("/audit")
async def read_audit(
    request: Request,
    who: Annotated[Principal, Depends(require("operate"))],
    before: int | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> dict[str, Any]:
    """The audit log, newest first, and where its chain is broken, if anywhere."""

    def load(connection: Connection) -> dict[str, Any]:
        rows = audit.audit_rows(connection, limit, before)
        return {"rows": [asdict(row) for row in rows], "broken_at": audit.verify(connection)}

    return await house_of(request).database.read(load)

"""Invitations: a link that lets one person in once, or lets a known one choose a new password."""

import secrets
from typing import get_args

from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import IntegrityError

from attenda.core.errors import Conflict, NotFound, Unauthenticated, UserError
from attenda.core.principal import Principal, Role
from attenda.store import audit
from attenda.store.people import (
    check_email,
    get_user,
    hash_password,
    hash_token,
    list_teams,
    principal_of,
    set_password,
)
from attenda.store.schema import invitations, memberships, users
from attenda.store.stamps import Stamps

__all__ = ["accept_invitation", "invite"]

_INVITATION_US = 7 * 86_400_000_000


def invite(
    connection: Connection,
    stamps: Stamps,
    actor: Principal,
    *,
    role: Role = "agent",
    team_id: str | None = None,
    user_id: str | None = None,
) -> tuple[str, str]:
    """An invitation, or for a known user a password reset: its id and the token of its link.

    Raises:
        UserError: no such role.
        NotFound: no such user or team.
    """
    if role not in get_args(Role):
        raise UserError("people.no_role", role=role)
    if user_id is not None:
        get_user(connection, user_id)
    if team_id is not None and team_id not in {team.id for team in list_teams(connection)}:
        raise NotFound("people.no_team")
    token = secrets.token_urlsafe(32)
    invitation_id = stamps.new_id("inv")
    connection.execute(
        insert(invitations).values(
            id=invitation_id,
            token_hash=hash_token(token),
            user_id=user_id,
            role=role,
            team_id=team_id,
            invited_by=actor.id,
            created_at=stamps.now(),
            expires_at=stamps.now() + _INVITATION_US,
        )
    )
    deed = "password.reset_offered" if user_id else "user.invited"
    audit.note(connection, stamps, actor.id, deed, user_id or invitation_id, role=role)
    return invitation_id, token


def accept_invitation(
    connection: Connection, stamps: Stamps, token: str, name: str, email: str, password: str
) -> str:
    """Use an invitation once: a new user, or a known one's new password; the user's id.

    A link is worth what its giver may do now: it ends with their right to invite. A new password
    ends the other links that offered one.

    Raises:
        NotFound: the link is unknown, used or too old, or its giver may invite no more.
        UserError: the e-mail or the password will not do.
        Conflict: the e-mail is taken.
    """
    now = stamps.now()
    used = connection.execute(
        update(invitations)
        .where(
            invitations.c.token_hash == hash_token(token),
            invitations.c.used_at.is_(None),
            invitations.c.expires_at > now,
        )
        .values(used_at=now)
        .returning(
            invitations.c.user_id,
            invitations.c.role,
            invitations.c.team_id,
            invitations.c.invited_by,
        )
    ).first()
    if used is None or not _may_still_invite(connection, used.invited_by):
        raise NotFound("people.bad_link")
    if used.user_id is not None:
        others = update(invitations).where(
            invitations.c.user_id == used.user_id, invitations.c.used_at.is_(None)
        )
        connection.execute(others.values(used_at=now))
        set_password(connection, stamps, used.user_id, password)
        return str(used.user_id)
    check_email(email)
    user_id = stamps.new_id("usr")
    values = {"id": user_id, "email": email.strip().lower(), "name": name.strip()[:120]}
    values["password_hash"] = hash_password(password)
    try:
        connection.execute(insert(users).values(**values, role=used.role, created_at=now))
    except IntegrityError:
        raise Conflict("people.email_taken") from None
    if used.team_id is not None:
        connection.execute(insert(memberships).values(user_id=user_id, team_id=used.team_id))
    audit.note(connection, stamps, user_id, "user.joined", user_id, role=used.role)
    return user_id


def _may_still_invite(connection: Connection, user_id: str) -> bool:
    try:
        return principal_of(connection, user_id).may("manage_people")
    except Unauthenticated:
        return False

"""Tickets of other help desks, from their JSON: Zendesk, Freshdesk and Chatwoot.

Each comment becomes a message of its ticket. Whose ticket it is stays an e-mail address;
attachments are named, never opened.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from attenda.api import ReadIn
from attenda.packs.support.import_values import (
    Reading,
    Record,
    Wrong,
    json_records,
    moment_of,
    object_of,
    objects_of,
    without_cards,
)
from attenda.packs.support.markup import plain

__all__ = ["read_chatwoot", "read_freshdesk", "read_zendesk"]

Ticket = Mapping[str, Any]
_FRESHDESK = {2: "open", 3: "pending", 4: "solved", 5: "closed"}
_CHATWOOT = {"open": "open", "pending": "pending", "resolved": "solved", "snoozed": "pending"}
_ACTIVITY = 2
"""What Chatwoot notes by itself."""


@dataclass(frozen=True, slots=True)
class _About:
    """What a ticket is about and whose it is."""

    source: str
    requester: Ticket
    subject: Any
    status: str
    tags: Any


@dataclass(frozen=True, slots=True)
class _Said:
    """One comment of a ticket."""

    number: Any
    at: Any
    author: str
    is_customer: bool
    text: Any
    is_public: bool
    files: list[str]


def read_zendesk(name: str, content: bytes) -> ReadIn:
    """Zendesk's tickets: a list, a ticket a line, or `{"tickets": […], "users": […]}`.

    Raises:
        UserError: it is no JSON with tickets.
    """
    people = {
        str(one.get("id")): one for _, one in json_records(name, content, "users") if "email" in one
    }
    return _read(json_records(name, content, "tickets"), lambda one, to: _zendesk(one, people, to))


def _zendesk(ticket: Ticket, people: Mapping[str, Ticket], to: Reading) -> None:
    requester = object_of(ticket.get("requester")) or people.get(
        str(ticket.get("requester_id")), {}
    )
    rated = object_of(ticket.get("satisfaction_rating"))
    own = requester.get("id", ticket.get("requester_id"))
    about = _About(
        "zendesk",
        requester,
        ticket.get("subject") or ticket.get("raw_subject"),
        str(ticket.get("status") or ""),
        ticket.get("tags"),
    )
    ticket_row = _opened(to, ticket, about)
    ticket_row |= {
        "score": str(rated.get("score") or ""),
        "comment": str(rated.get("comment") or ""),
    }
    first = {"body": ticket.get("description"), "author_id": own}
    comments = ticket.get("comments") or [{**first, "created_at": ticket.get("created_at")}]
    for number, one in enumerate(objects_of(comments)):
        author = people.get(str(one.get("author_id"))) or object_of(one.get("author"))
        said = _Said(
            number=one.get("id", number),
            at=one.get("created_at"),
            author=str(author.get("name") or ""),
            is_customer=one.get("author_id", own) == own,
            text=one.get("plain_body") or one.get("body") or _plain(one.get("html_body")),
            is_public=bool(one.get("public", True)),
            files=_names(one, "file_name"),
        )
        _message(to, ticket_row, said)


def read_freshdesk(name: str, content: bytes) -> ReadIn:
    """Freshdesk's tickets with their conversations, as its API (version 2) gives them.

    Raises:
        UserError: it is no JSON with tickets.
    """
    return _read(json_records(name, content, "tickets", "results"), _freshdesk)


def _freshdesk(found: Ticket, to: Reading) -> None:
    ticket = object_of(found.get("helpdesk_ticket")) or found
    requester = object_of(ticket.get("requester")) or {"email": ticket.get("email")}
    status = ticket.get("status")
    told = _FRESHDESK.get(status, "open") if isinstance(status, int) else str(status or "")
    subject = ticket.get("subject")
    ticket_row = _opened(
        to, ticket, _About("freshdesk", requester, subject, told, ticket.get("tags"))
    )
    text = ticket.get("description_text") or _plain(ticket.get("description"))
    first = {"id": 0, "created_at": ticket.get("created_at"), "incoming": True, "body_text": text}
    first["attachments"] = ticket.get("attachments")
    for one in [first, *objects_of(ticket.get("conversations"))]:
        said = _Said(
            number=one.get("id"),
            at=one.get("created_at"),
            author=str(requester.get("name") or "") if one is first else "",
            is_customer=bool(one.get("incoming")),
            text=one.get("body_text") or _plain(one.get("body")),
            is_public=not one.get("private"),
            files=_names(one, "name"),
        )
        _message(to, ticket_row, said)


def read_chatwoot(name: str, content: bytes) -> ReadIn:
    """Chatwoot's conversations with their messages, as its API gives them.

    Raises:
        UserError: it is no JSON with conversations.
    """
    inside = [
        (place, one)
        for at, outer in json_records(name, content, "payload", "conversations")
        for place, one in _payload(at, outer)
    ]
    return _read(inside, _chatwoot)


def _payload(place: str, found: Ticket) -> Iterator[Record]:
    """A conversation, or those that an answer of the API holds."""
    inside = object_of(found.get("data")).get("payload")
    if isinstance(inside, list):
        yield from ((f"{place}.{n}", object_of(one)) for n, one in enumerate(inside, 1))
    else:
        yield place, found


def _chatwoot(talk: Ticket, to: Reading) -> None:
    sender = object_of(object_of(talk.get("meta")).get("sender"))
    said = [one for one in objects_of(talk.get("messages")) if one.get("message_type") != _ACTIVITY]
    first = str(said[0].get("content") or "") if said else ""
    status = _CHATWOOT.get(str(talk.get("status")), "open")
    ticket_row = _opened(
        to, talk, _About("chatwoot", sender, first[:80], status, talk.get("labels"))
    )
    for one in said:
        message = _Said(
            number=one.get("id"),
            at=one.get("created_at"),
            author=str(object_of(one.get("sender")).get("name") or ""),
            is_customer=one.get("message_type") == 0,
            text=one.get("content"),
            is_public=not one.get("private"),
            files=[path.rpartition("/")[2] for path in _names(one, "data_url")],
        )
        _message(to, ticket_row, message)


# --- what all of them share


def _read(records: list[Record], take: Callable[[Ticket, Reading], None]) -> ReadIn:
    """Each ticket whole or not at all."""
    made = Reading()
    for place, one in records:
        single = Reading()
        try:
            take(one, single)
        except Wrong as reason:
            made.reject(place, reason)
            continue
        for table, rows in single.rows.items():
            made.rows.setdefault(table, []).extend(rows)
    return made.done()


def _opened(to: Reading, ticket: Ticket, about: _About) -> dict[str, object]:
    number = str(ticket.get("id") or ticket.get("display_id") or "").strip()
    email = str(about.requester.get("email") or "").strip().lower()
    if not number:
        raise Wrong("no_number")
    if not email:
        raise Wrong("no_email")
    named = [str(one) for one in about.tags] if isinstance(about.tags, list) else []
    created = moment_of(ticket.get("created_at"), "created_at")
    to.add(
        "tickets",
        id=f"{about.source}-{number}"[:80],
        source=about.source,
        email=email,
        name=str(about.requester.get("name") or ""),
        subject=str(about.subject or ""),
        status=about.status,
        tags=" ".join(named),
        score="",
        comment="",
        created_at=created,
        updated_at=moment_of(ticket.get("updated_at"), "updated_at") or created,
    )
    return to.rows["tickets"][-1]


def _message(to: Reading, ticket: Mapping[str, object], said: _Said) -> None:
    to.add(
        "ticket_messages",
        id=f"{ticket['id']}-{said.number}"[:80],
        ticket_id=ticket["id"],
        at=moment_of(said.at, "created_at"),
        author=said.author,
        email="",
        is_customer=said.is_customer,
        is_public=said.is_public,
        text=without_cards(str(said.text or "").strip()),
        files=", ".join(said.files),
    )


def _plain(html: Any) -> str:
    return plain(str(html or ""))


def _names(one: Ticket, key: str) -> list[str]:
    """What its attachments are called."""
    return [str(a[key]) for a in objects_of(one.get("attachments")) if a.get(key)]

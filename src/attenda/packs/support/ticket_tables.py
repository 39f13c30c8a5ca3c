"""Tables of what was brought from elsewhere and of the help centre: tickets and articles.

A ticket comes from another help desk or is a thread of mails. An article is a draft, published or
withdrawn; what is published stands among the documents.
"""

from collections.abc import Mapping
from typing import Any

from attenda.api import PackTable, Tables

__all__ = ["SERVICE_TABLES", "published"]

SERVICE_TABLES = (
    PackTable(
        "tickets",
        {
            "id": "text",
            "source": "text",  # zendesk, freshdesk, chatwoot, mail
            "email": "text",  # of the customer
            "name": "text",
            "subject": "text",
            "status": "text",
            "tags": "text",
            "score": "text",  # as the customer gave it there
            "comment": "text",
            "created_at": "time",
            "updated_at": "time",
        },
        indexes=(("email",), ("created_at",)),
        ages="updated_at",
    ),
    PackTable(
        "ticket_messages",
        {
            "id": "text",
            "ticket_id": "text",
            "at": "time",
            "author": "text",
            "email": "text",  # of a mail's author
            "is_customer": "flag",
            "is_public": "flag",
            "text": "text",
            "files": "text",  # names of attachments, which are not kept
        },
        indexes=(("ticket_id",),),
        ages="at",
    ),
    PackTable(
        "articles",
        {
            "id": "text",  # the name of its file
            "title": "text",
            "language": "text",
            "body": "text",
            "state": "text",  # draft, published, withdrawn
            "source": "text",  # file or questions
            "questions": "text",  # ids of the messages that asked, parted by spaces
            "changed_by": "text",
            "changed_at": "time",
        },
    ),
)


def published(rows: Tables) -> Mapping[str, str]:
    """The articles that everyone may find, by the name of their file."""
    return {row["id"]: _whole(row) for row in rows("articles").find(state="published")}


def _whole(row: Mapping[str, Any]) -> str:
    """An article as a document: one written here gets its title as a heading."""
    return row["body"] if row["source"] == "file" else f"# {row['title']}\n\n{row['body']}\n"

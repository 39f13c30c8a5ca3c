"""Flows as they were when somebody began them, so that whoever waits finishes on the same text."""

from sqlalchemy import Connection, insert, select

from attenda.store.schema_deeds import flows
from attenda.store.stamps import Stamps

__all__ = ["keep_flows", "kept_flows"]


def keep_flows(connection: Connection, stamps: Stamps, bodies: dict[str, tuple[str, str]]) -> None:
    """Keep flows, given as (name, body) by fingerprint; those that are kept stay."""
    known = set(connection.execute(select(flows.c.fingerprint)).scalars())
    for fingerprint, (name, body) in bodies.items():
        if fingerprint not in known:
            row = {"fingerprint": fingerprint, "name": name, "body": body}
            connection.execute(insert(flows).values(**row, kept_at=stamps.now()))


def kept_flows(connection: Connection) -> dict[str, str]:
    """Bodies by fingerprint."""
    return {
        key: body for key, body in connection.execute(select(flows.c.fingerprint, flows.c.body))
    }

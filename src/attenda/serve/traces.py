"""Traces over HTTP: what one run did, step by step, as its log tells it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from attenda.core.principal import Principal
from attenda.core.words import sentence
from attenda.serve.gate import house_of, principal
from attenda.store import runs
from attenda.store.database import Connection

__all__ = ["router"]

router = APIRouter(prefix="/api/runs", tags=["traces"])
Who = Annotated[Principal, Depends(principal)]


@router.get("")
async def list_(
    request: Request, who: Who, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> list[dict[str, Any]]:
    """My runs, newest first."""
    rows = await house_of(request).database.read(lambda c: runs.list_runs(c, who, limit))
    return [_worded(row, who.language) for row in rows]


@router.get("/{run_id}")
async def read(request: Request, who: Who, run_id: str) -> dict[str, Any]:
    """One run with its events and when each happened."""

    def load(connection: Connection) -> dict[str, Any]:
        row = runs.get_run(connection, who, run_id)
        return {**row, "events": runs.timed_events(connection, run_id)}

    return _worded(await house_of(request).database.read(load), who.language)


def _worded(row: dict[str, Any], language: str) -> dict[str, Any]:
    error = row.get("error")
    row["error"] = sentence(language, error["key"], **error["values"]) if error else None
    return row

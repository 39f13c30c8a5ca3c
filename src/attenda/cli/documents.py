"""`attenda add`, `documents`, `forget`, `search`: the library from the terminal."""

import asyncio
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from attenda.cli.client import request
from attenda.cli.terminal import err, out
from attenda.core.errors import NotFound, UserError

__all__ = ["add_paths", "forget_documents", "list_documents", "search_documents"]

_POLL_S = 0.2


async def add_paths(
    client: httpx.AsyncClient,
    paths: Sequence[Path | str],
    collection: str,
    *,
    as_json: bool,
    quiet: bool = False,
) -> int:
    """Hand in files, folders and web addresses, and wait for each to be ready or failed.

    Returns 1 if any failed.
    """
    sources: list[Path | str] = []
    for path in paths:
        url = _url(path)
        sources.extend([url] if url else _files(Path(path)))
    added: list[dict[str, Any]] = []
    for source in sources:
        if isinstance(source, str):
            added.append(await _add_page(client, source, collection))
        else:
            added.extend(await _add_file(client, source, collection))
    settled = await _wait(client, [row for row in added if row["outcome"] != "refused"])
    results = [_result(row, settled) for row in added]
    if as_json:
        print(json.dumps(results, ensure_ascii=False, indent=2))
    elif not quiet:
        _print_results(results)
    failed = [one for one in results if one["state"] != "ready"]
    if quiet and failed:
        _print_results(failed)
    return 1 if failed else 0


async def _add_file(client: httpx.AsyncClient, file: Path, collection: str) -> list[dict[str, Any]]:
    with file.open("rb") as content:
        rows: list[dict[str, Any]] = await request(
            client,
            "POST",
            "/api/documents",
            params={"collection": collection},
            files={"files": (file.name, content)},
            timeout=None,
        )
    return rows


async def _add_page(client: httpx.AsyncClient, url: str, collection: str) -> dict[str, Any]:
    page = {"url": url, "collection": collection}
    try:
        row: dict[str, Any] = await request(
            client, "POST", "/api/documents/web", json=page, timeout=None
        )
    except UserError as error:
        return {"name": url, "outcome": "refused", "error": {"message": str(error)}}
    return row


def _url(source: Path | str) -> str | None:
    """The web address that was typed, of which a `Path` keeps one slash where there were two."""
    typed = source if isinstance(source, str) else source.as_posix()
    found = re.match(r"(https?):/+(?=[^/])", typed, re.I)
    return f"{found[1]}://{typed[found.end() :]}" if found else None


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        found = sorted(one for one in path.rglob("*") if one.is_file() and one.name[0] != ".")
        if not found:
            raise UserError("file.empty_folder", path=path)
        yield from found
    elif os.access(path, os.R_OK) and path.is_file():
        yield path
    else:
        raise UserError("file.missing", path=path)


async def _wait(
    client: httpx.AsyncClient, added: Sequence[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Follow the documents until each has settled, with a bar."""
    open_ids = {row["document_id"] for row in added}
    settled: dict[str, dict[str, Any]] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[where]}"))
    with Progress(*columns, TimeElapsedColumn(), console=err, transient=True) as progress:
        bars = {
            row["document_id"]: progress.add_task(row["name"], total=None, where="queued")
            for row in added
        }
        while open_ids:
            for document_id in sorted(open_ids):
                row = await request(client, "GET", f"/api/documents/{document_id}/state")
                progress.update(
                    bars[document_id],
                    total=row["total"] or None,
                    completed=row["done"],
                    where=f"{row['state']} {row['done']}/{row['total']}"
                    if row["total"]
                    else row["state"],
                )
                if row["state"] in ("ready", "failed"):
                    settled[document_id] = row
                    open_ids.discard(document_id)
            if open_ids:
                await asyncio.sleep(_POLL_S)
    return settled


def _result(row: dict[str, Any], settled: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if row["outcome"] == "refused":
        reason = row["error"]["message"]
        return {"name": row["name"], "outcome": "refused", "state": "failed", "reason": reason}
    final = settled[row["document_id"]]
    return {
        "id": row["document_id"],
        "name": row["name"],
        "outcome": row["outcome"],
        "state": final["state"],
        "reason": final["reason"],
        "records": final["records"],
        "passages": final["passages"],
    }


def _print_results(results: Sequence[dict[str, Any]]) -> None:
    for one in results:
        if one["state"] == "ready":
            records = f"{one['records']} documents, " if one["records"] else ""
            count = one["passages"]
            many = f"{count} passage" if count == 1 else f"{count} passages"
            same = " (unchanged)" if one["outcome"] == "unchanged" else ""
            out.print(f"✓ {one['name']}: {records}{many}{same}", markup=False)
        else:
            err.print(f"✗ {one['reason']}", style="red", markup=False)


async def list_documents(client: httpx.AsyncClient, *, as_json: bool) -> int:
    """Print the documents."""
    answer = await request(client, "GET", "/api/documents")
    if as_json:
        keys = ("id", "name", "title", "state", "reason", "size", "done", "total")
        rows = [{key: row[key] for key in keys} for row in answer["documents"]]
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    if not answer["documents"]:
        out.print("No documents yet; `attenda add FILE` adds some.")
        return 0
    table = Table(box=None, pad_edge=False)
    for column in ("name", "state", "records", "id"):
        table.add_column(column)
    for row in answer["documents"]:
        state = f"failed: {row['reason']}" if row["reason"] else row["state"]
        table.add_row(row["name"], state, str(row["total"] or ""), row["id"])
    out.print(table)
    return 0


async def forget_documents(client: httpx.AsyncClient, names: Sequence[str]) -> int:
    """Move documents to the trash by name or id.

    Raises:
        NotFound: no such document; nothing was moved.
    """
    rows = (await request(client, "GET", "/api/documents"))["documents"]
    chosen: list[dict[str, Any]] = []
    for name in names:
        found = [row for row in rows if name in (row["id"], row["name"])]
        if not found:
            raise NotFound("document.missing", id=name)
        chosen.extend(found)
    for row in chosen:
        await request(client, "DELETE", f"/api/documents/{row['id']}")
        out.print(f"Moved {row['name']} to the trash.", markup=False)
    return 0


async def search_documents(
    client: httpx.AsyncClient, query: str, k: int, mode: str, *, as_json: bool
) -> int:
    """Print the best passages; exit code 1 when there is none."""
    params: dict[str, str | int] = {"q": query, "k": k, "mode": mode}
    hits = await request(client, "GET", "/api/search", params=params)
    if as_json:
        keys = ("passage", "document", "page", "score", "text")
        print(
            json.dumps(
                [{key: hit[key] for key in keys} for hit in hits], ensure_ascii=False, indent=2
            )
        )
    else:
        for hit in hits:
            page = f", p. {hit['page']}" if hit["page"] else ""
            out.print(f"{hit['document']}{page}  {hit['score']:.4f}", style="bold", markup=False)
            out.print(" ".join(hit["text"].split())[:300], markup=False)
    if not hits and not as_json:
        err.print("Nothing found.")
    return 0 if hits else 1

"""Looking at models over HTTP: two of them side by side, masks and the lens, a run's report.

Pages that the commands of `attenda learn` write are served so that they can do nothing: no
network, no cookie, no reach into the page around them.
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from attenda.core.errors import NotFound, OperatorError
from attenda.core.principal import Principal
from attenda.serve import school_children, school_files
from attenda.serve.errands import Errand
from attenda.serve.gate import house_of, require
from attenda.serve.school import source_of

__all__ = ["router"]

router = APIRouter(prefix="/api/school", tags=["school"])
Operator = Annotated[Principal, Depends(require("operate"))]
_NO_NUL = r"^[^\x00]*$"
"""A text that a command can be given."""
Prompt = Annotated[str, Field(min_length=1, max_length=4000, pattern=_NO_NUL)]
_SAMPLE_S = 180.0
_VIEW_S = 300.0
_SHUT = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-scripts"
)


class Comparison(BaseModel):
    """Two models, and what to say to both."""

    models: Annotated[list[str], Field(min_length=2, max_length=2)]
    """`run:…` or `model:…`."""
    prompts: Annotated[list[Prompt], Field(min_length=1, max_length=3)]
    tokens: int = Field(default=64, ge=1, le=512)


class View(BaseModel):
    """A model to look into, at a file of data or at a text."""

    model: str = Field(max_length=200)
    data: str = Field(default="", max_length=200)
    text: str = Field(default="", max_length=4000, pattern=_NO_NUL)


@router.post("/compare", status_code=202)
async def compare(request: Request, who: Operator, body: Comparison) -> dict[str, str]:
    """Say the same to two models; an errand whose result has a row for each prompt."""
    home = house_of(request).settings.home
    sources = [source_of(home, one) for one in body.models]

    async def work(errand: Errand) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = [{"prompt": said, "answers": []} for said in body.prompts]
        errand.partial = rows
        for row in rows:
            for source in sources:
                arguments = ["sample", "--json", f"--tokens={body.tokens}"]
                row["answers"].append(
                    await _answer(home, [*arguments, "--", source, row["prompt"]], who.language)
                )
                errand.done += 1
        return rows

    errands = request.app.state.school.errands
    total = len(sources) * len(body.prompts)
    begun: dict[str, str] = errands.begin("compare", work, total)
    return begun


async def _answer(home: Path, arguments: list[str], language: str) -> str:
    said = await school_children.call(home, arguments, language, _SAMPLE_S, ok=(0,))
    try:
        return str(json.loads(said)[0])
    except (ValueError, LookupError, TypeError) as error:
        raise OperatorError("school.failed", problem=said.strip()[-300:] or "-") from error


@router.post("/views/{kind}", status_code=202)
async def look(
    request: Request, who: Operator, kind: Literal["mask", "lens"], body: View
) -> dict[str, str]:
    """Draw what a model learns of a file, or how it reads a text; an errand."""
    home = house_of(request).settings.home
    source = source_of(home, body.model)
    if kind == "mask":
        data = school_files.data_file(home, body.data).absolute()
        told = [f"--data={data}", "-n", "3", "--", source]
    else:
        told = ["--", source, body.text]
    page = home.absolute() / "school" / "views" / f"{kind}.html"

    async def work(_errand: Errand) -> dict[str, str]:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.unlink(missing_ok=True)
        await school_children.call(
            home, [kind, f"--out={page}", *told], who.language, _VIEW_S, ok=(0,)
        )
        return {"path": f"/api/school/views/{kind}"}

    errands = request.app.state.school.errands
    begun: dict[str, str] = errands.begin(kind, work)
    return begun


@router.get("/views/{kind}")
async def view(request: Request, who: Operator, kind: Literal["mask", "lens"]) -> Response:
    """The page that was drawn last, shut in."""
    home = house_of(request).settings.home
    return await _shut_in(home / "school" / "views" / f"{kind}.html")


@router.post("/runs/{name}/report", status_code=202)
async def write_report(request: Request, who: Operator, name: str) -> dict[str, str]:
    """Write a run's report, as it stands; an errand."""
    home = house_of(request).settings.home
    folder = school_files.run_folder(home, name)

    async def work(_errand: Errand) -> dict[str, str]:
        told = ["report", f"--out={folder.absolute() / 'report.html'}", "--", folder.name]
        await school_children.call(home, told, who.language, _VIEW_S, ok=(0,))
        return {"path": f"/api/school/runs/{quote(folder.name)}/report"}

    errands = request.app.state.school.errands
    begun: dict[str, str] = errands.begin("report", work)
    return begun


@router.get("/runs/{name}/report")
async def report(request: Request, who: Operator, name: str) -> Response:
    """The report of a finished run, shut in."""
    home = house_of(request).settings.home
    return await _shut_in(school_files.run_folder(home, name) / "report.html")


async def _shut_in(file: Path) -> Response:
    try:
        page = await asyncio.to_thread(file.read_bytes)
    except OSError as error:
        raise NotFound("school.no_view") from error
    headers = {"Content-Security-Policy": _SHUT}
    return Response(page, media_type="text/html; charset=utf-8", headers=headers)

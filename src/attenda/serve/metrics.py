"""Figures for a monitoring system, in the text format of Prometheus."""

import os
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse

from attenda import __version__
from attenda.core.principal import Principal
from attenda.serve.gate import house_of, require
from attenda.store import figures

__all__ = ["router"]

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
async def metrics(
    request: Request, who: Annotated[Principal, Depends(require("operate"))]
) -> PlainTextResponse:
    """Runs, documents, tokens, open streams and models; for an operator's key."""
    house = house_of(request)
    found = await house.database.read(figures.count_all)
    lines = [f'attenda_info{{version="{__version__}"}} 1']
    lines += [f'attenda_runs{{state="{state}"}} {n}' for state, n in found.runs.items()]
    lines += [f'attenda_documents{{state="{state}"}} {n}' for state, n in found.documents.items()]
    lines += [
        f'attenda_tokens_total{{kind="prompt"}} {found.prompt_tokens}',
        f'attenda_tokens_total{{kind="answer"}} {found.answer_tokens}',
        f"attenda_passages {found.passages}",
        f"attenda_streams_open {request.app.state.streams.count}",
    ]
    lines += [
        f'attenda_model_running{{model="{name}"}} {int(house.models.is_running(name))}'
        for name in house.models.names()
    ]
    lines.append(f"process_cpu_seconds_total {sum(os.times()[:2]):.2f}")
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")

"""An installation whose models answer from a script: real database, real runs, no weights."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from attenda.api import Message, Pack, ScriptedEmbedder, ScriptedModel, Understand
from attenda.cli.wiring import open_house
from attenda.core.config import Settings
from attenda.llm.loaded import LoadedModels
from attenda.runtime.house import House
from attenda.store.stamps import Stamps

__all__ = ["SAVINGS", "add_text", "scripted_house"]

SAVINGS = (
    "# Savings accounts\n\n"
    "To open a savings account, the customer must have held a checking account for 14 days.\n\n"
    "A savings account costs no monthly fee. The interest rate is 1.75 percent a year.\n"
)


@contextlib.asynccontextmanager
async def scripted_house(
    home: Path,
    script: Sequence[str] | Callable[[Sequence[Message]], str] = (),
    *,
    pause_s: float = 0.0,
    database: str = "",
    packs: Sequence[Pack] | None = (),
    understand: Understand | None = None,
    stamps: Stamps | None = None,
) -> AsyncIterator[tuple[House, ScriptedModel]]:
    """A house over `home` with a scripted chat model, embedder and, if given, understanding.

    No packs unless they are given; with None those of the home.
    """

    async def understanding(_book: object) -> Understand:
        assert understand is not None
        return understand

    models = LoadedModels(home, "scripted")
    model = ScriptedModel(script, pause_s=pause_s)
    models.register(model)
    models.register_embedder(ScriptedEmbedder())
    settings = Settings(home=home, model="scripted", database=database)
    chosen = understanding if understand else None
    async with open_house(settings, models, stamps, packs, chosen) as house:
        yield house, model


async def add_text(house: House, who: object, name: str, text: str) -> str:
    """Add a document and wait until it is ready; its id."""

    async def content() -> AsyncIterator[bytes]:
        yield text.encode()

    added = await house.ingester.add(who, "Library", name, content())  # type: ignore[arg-type]
    await house.ingester.wait_idle()
    return added.document_id

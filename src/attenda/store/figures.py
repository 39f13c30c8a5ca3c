"""Counts over the whole installation, for its operator; they name nobody."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from attenda.store.schema import documents, passages, runs, usage

__all__ = ["Figures", "count_all"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What there is and what was spent."""

    runs: dict[str, int]
    """Runs by state."""
    documents: dict[str, int]
    """Living documents by state."""
    passages: int
    prompt_tokens: int
    answer_tokens: int


def count_all(connection: Connection) -> Figures:
    """Count everything once."""
    by_run = select(runs.c.state, func.count()).group_by(runs.c.state)
    alive = documents.c.deleted_at.is_(None)
    by_document = select(documents.c.state, func.count()).where(alive).group_by(documents.c.state)
    spent = select(
        func.coalesce(func.sum(usage.c.prompt_tokens), 0),
        func.coalesce(func.sum(usage.c.answer_tokens), 0),
    )
    prompt_tokens, answer_tokens = connection.execute(spent).one()
    count = connection.execute(select(func.count()).select_from(passages)).scalar_one()
    return Figures(
        runs={state: int(n) for state, n in connection.execute(by_run)},
        documents={state: int(n) for state, n in connection.execute(by_document)},
        passages=int(count),
        prompt_tokens=int(prompt_tokens),
        answer_tokens=int(answer_tokens),
    )

"""Two runs side by side as one page: their figures, what changed, and every trial of both."""

from collections.abc import Sequence
from functools import partial
from html import escape

from attenda.core.static_page import static_page
from attenda.core.words import sentence
from attenda.evals.report import STYLE, Say, changes_section, figure_rows
from attenda.evals.results import Change, Result, Trial, compare, figures_of

__all__ = ["comparison", "figure_pairs"]

_MARKS = {True: ("good", "✓"), False: ("bad", "✗"), None: ("faint", "—")}


def comparison(
    before: Sequence[Result], after: Sequence[Result], names: tuple[str, str], language: str
) -> str:
    """The page.

    Args:
        before: of the older run.
        after: of the newer one.
        names: where the two stand.
        language: of its words.
    """
    say: Say = partial(sentence, language)
    changes = compare(before, after)
    parts = [
        _figures(before, after, names, language),
        changes_section(changes, names[0], say),
        _samples(changes, say),
    ]
    return static_page(say("eval.two_runs"), "\n".join(parts), language, STYLE)


def figure_pairs(
    before: Sequence[Result], after: Sequence[Result], language: str
) -> list[tuple[str, str, str]]:
    """Figures with their names, of the older run and of the newer one."""
    k = min(max(len(one.trials) for one in run) for run in (before, after))
    pair = [figure_rows(figures_of(run), k, language) for run in (before, after)]
    return [(name, old, new) for (name, old), (_, new) in zip(*pair, strict=True)]


def _figures(
    before: Sequence[Result], after: Sequence[Result], names: tuple[str, str], language: str
) -> str:
    heads = zip(("eval.before", "eval.after"), names, strict=True)
    top = "".join(
        f'<th scope="col">{escape(sentence(language, key))}<br>'
        f'<span class="faint">{escape(name)}</span></th>'
        for key, name in heads
    )
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(old)}</td><td>{escape(new)}</td></tr>'
        for name, old, new in figure_pairs(before, after, language)
    )
    return f'<section><table class="figures"><tr><td></td>{top}</tr>{body}</table></section>'


def _samples(changes: Sequence[Change], say: Say) -> str:
    """Each trial of both runs: whether it was right, and how long its turns took."""
    rows = "".join(
        f'<tr><th scope="row">{escape(one.name)} <span class="faint">{one.number}</span></th>'
        f"<td>{_mark(one.before)}</td><td>{_mark(one.after)}</td></tr>"
        for one in changes
    )
    heads = "".join(
        f'<th scope="col">{escape(say(key))}</th>' for key in ("eval.before", "eval.after")
    )
    return (
        f"<section><h2>{escape(say('eval.every_trial'))}</h2>"
        f'<table class="figures"><tr><td></td>{heads}</tr>{rows}</table></section>'
    )


def _mark(trial: Trial | None) -> str:
    style, mark = _MARKS[None if trial is None else trial.right]
    seconds = [one.seconds for one in trial.turns if one.seconds is not None] if trial else []
    took = f' <span class="faint">{sum(seconds) * 1000:,.0f} ms</span>' if seconds else ""
    return f'<span class="{style}">{mark}</span>{took}'

"""The results of scenarios as one page: figures, each scenario with its talk, two runs compared.

Made of results alone, so that it can be made again from their file.
"""

from collections.abc import Callable, Sequence
from functools import partial
from html import escape

from attenda.core.static_page import static_page
from attenda.core.words import sentence
from attenda.evals.results import Change, Figures, Result, Trial, TurnMade, figures_of

__all__ = ["KINDS", "STYLE", "Say", "changes_section", "figure_rows", "report"]

Say = Callable[..., str]
"""Finds a sentence of the catalogue in one language."""

KINDS = {
    "mended": "eval.kind.mended",
    "broken": "eval.kind.broken",
    "new": "eval.kind.new",
    "gone": "eval.kind.gone",
}
"""What can become of a trial from one run to the next, with the key of its name."""

STYLE = """\
.figures th { color: var(--faint); font-weight: normal; }
details { margin: .4rem 0; } summary { cursor: pointer; }
.turns { margin: .5rem 0 .5rem 1rem; } .turns p { margin: .2rem 0; white-space: pre-wrap; }
.who { color: var(--faint); } .answer { border-left: 3px solid var(--accent); padding-left: .7rem; }
code { font-size: .85em; } ul { margin: .3rem 0; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
@media (max-width: 40rem) { .pair { grid-template-columns: 1fr; } }
"""


def report(
    results: Sequence[Result],
    language: str = "en",
    changes: Sequence[Change] = (),
    other: str = "",
) -> str:
    """The page.

    Args:
        results: at least one.
        language: of its words.
        changes: beside another run, trial by trial.
        other: where that run's results are; empty where there are none.
    """
    say: Say = partial(sentence, language)
    parts = [_figures(results, language)]
    if other:
        parts.append(changes_section(changes, other, say))
    parts += [_scenario(one, say) for one in results]
    return static_page(say("eval.title"), "\n".join(parts), language, STYLE)


def figure_rows(found: Figures, k: int, language: str) -> list[tuple[str, str]]:
    """Figures with their names, as text."""
    say: Say = partial(sentence, language)
    middle, late = found.latency_p50_s, found.latency_p95_s
    late_text = f"{_ms(middle)}, {_ms(late)}" if middle is not None and late is not None else "—"
    read, written = found.tokens.prompt_tokens, found.tokens.answer_tokens
    return [
        ("pass^1", f"{found.pass_1:.3f}"),
        *([(f"pass^{k}", f"{found.pass_k:.3f}")] if k > 1 else []),
        (say("eval.restraint"), _share(found.restraint)),
        (say("eval.wrong_tool"), _share(found.wrong_tool)),
        (say("eval.unsafe"), str(found.unsafe)),
        (say("eval.latency"), late_text),
        (say("eval.tokens"), f"{read:,}, {written:,}"),
    ]


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _figures(results: Sequence[Result], language: str) -> str:
    k = max(len(one.trials) for one in results)
    rows = figure_rows(figures_of(results), k, language)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    said = sentence(language, "eval.note", k=k) if k > 1 else ""
    note = f'<p class="faint">{escape(said)}</p>' if said else ""
    return f'<section><table class="figures">{body}</table>{note}</section>'


def _scenario(result: Result, say: Say) -> str:
    state = "good" if result.passed else "bad"
    count = f"{result.right}/{len(result.trials)}"
    about = f'<p class="faint">{escape(result.about)}</p>' if result.about else ""
    faint = " · ".join(filter(None, (result.pack, result.file, result.model)))
    trials = "".join(
        f"<details{'' if one.right else ' open'}><summary>"
        f"{escape(say('eval.trial', n=number))}: {_verdict(one, say)}</summary>"
        f"{_trial(one)}</details>"
        for number, one in enumerate(result.trials, start=1)
    )
    return (
        f'<section><h2>{escape(result.name)} <span class="{state}">{count}</span></h2>'
        f'<p class="faint">{escape(faint)}</p>{about}{trials}</section>'
    )


def _verdict(trial: Trial, say: Say) -> str:
    state, key = ("good", "eval.is_right") if trial.right else ("bad", "eval.is_wrong")
    return f'<span class="{state}">{escape(say(key))}</span>'


def _trial(trial: Trial) -> str:
    faults = "".join(f"<li>{escape(one.text)}</li>" for one in trial.faults)
    said = f'<ul class="bad">{faults}</ul>' if faults else ""
    return f'{said}<div class="turns">{"".join(map(_turn, trial.turns))}</div>'


def _turn(turn: TurnMade) -> str:
    calls = "".join(
        f"<p><code{' class=bad' if call.forbidden or call.needless else ''}>"
        f"{escape(f'{call.tool}({_arguments(call.arguments)}) → {call.state}')}</code></p>"
        for call in turn.calls
    )
    who = f'<span class="who">{escape(turn.by)}:</span> ' if turn.by else ""
    answer = f'<p class="answer">{escape(turn.answer)}</p>' if turn.answer else ""
    return f"<p>{who}{escape(turn.done)}</p>{calls}{answer}"


def _arguments(arguments: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in arguments.items())


def changes_section(changes: Sequence[Change], other: str, say: Say) -> str:
    """What became of trials beside another run, each with its two talks."""
    told = [one for one in changes if one.kind in KINDS]
    title = f"<h2>{escape(say('eval.compared', path=other))}</h2>"
    if not told:
        return f"<section>{title}<p>{escape(say('eval.nothing_changed'))}</p></section>"
    return f"<section>{title}{''.join(_change(one, say) for one in told)}</section>"


def _change(change: Change, say: Say) -> str:
    state = "bad" if change.kind in ("broken", "gone") else "good"
    sides = "".join(
        f"<div><p>{escape(say(key))}</p>{_trial(trial)}</div>"
        for key, trial in (("eval.before", change.before), ("eval.after", change.after))
        if trial is not None
    )
    where = f"{change.name}, {say('eval.trial', n=change.number)}"
    return (
        f'<details><summary>{escape(where)}: <span class="{state}">'
        f"{escape(say(KINDS[change.kind]))}</span></summary>"
        f'<div class="pair">{sides}</div></details>'
    )

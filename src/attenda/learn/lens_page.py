"""What `lens` and `mask` see, as pages for a browser: one file each, in English or Chinese.

The pages are drawn by a script from plain values; here those values are put together. Weights
travel as the square root in one byte each, which is right to half a hundredth.
"""

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

import torch
from torch import Tensor

from attenda.core.words import sentence
from attenda.learn.html_page import html_page, words_of
from attenda.learn.lens import AttentionMap, View
from attenda.learn.mask import MaskedRow
from attenda.learn.pieces import Piece

__all__ = ["mask_page", "page"]


def page(view: View, language: str = "en", name: str = "") -> str:
    """A page to look around in: heads, a map, who looks where, losses, guesses by layer.

    Args:
        view: what was seen.
        language: of its words.
        name: of the model.
    """
    title = sentence(language, "learn.lens.title")
    data = {
        "words": words_of(language, "learn.lens."),
        "name": name,
        "tokens": _shown(view.tokens),
        "losses": [None if loss is None else round(loss, 3) for loss in view.losses],
        "loss": view.loss,
        "guesses": [
            [[[*_one(guess.piece), round(guess.share, 6)] for guess in place] for place in layer]
            for layer in view.guesses
        ],
        "maps": [_map(one) for one in view.maps],
    }
    body = f'<main id="lens"><h1>{escape(title)}</h1></main>'
    return html_page(f"{title} {name}".strip(), body, language, script="lens.js", data=data)


def _one(piece: Piece) -> list[Any]:
    return [piece.text, int(piece.control)]


def _shown(tokens: Sequence[Piece]) -> list[list[Any]]:
    return [_one(piece) for piece in tokens]


def _map(one: AttentionMap) -> dict[str, Any]:
    layers, heads = one.weights.shape[:2]
    return {
        "kind": one.kind,
        "layers": layers,
        "heads": heads,
        "queries": _shown(one.queries),
        "keys": _shown(one.keys),
        "weights": _packed(one.weights),
    }


def _packed(weights: Tensor) -> str:
    roots = (weights.float().clamp(0, 1).sqrt() * 255).round().to(torch.uint8)
    return base64.b64encode(roots.contiguous().numpy().tobytes()).decode()


def mask_page(rows: Sequence[MaskedRow], language: str = "en", name: str = "") -> str:
    """Rows of training data with what is learned of them in colour.

    Args:
        rows: to show.
        language: of its words.
        name: of the model.
    """
    title = sentence(language, "learn.mask.title")
    parts = [f"<h1>{escape(title)} <small>{escape(name)}</small></h1>", _legend(language)]
    for row in rows:
        count = sentence(
            language,
            "learn.mask.count",
            learned=sum(row.learned),
            tokens=len(row.tokens),
            share=f"{row.share:.0%}",
        )
        marks = "".join(_marked(*one) for one in zip(row.tokens, row.learned, strict=True))
        parts.append(
            f'<section class="card"><h2>{escape(row.name)}</h2>'
            f'<p class="faint">{escape(count)}</p><p class="row">{marks}</p></section>'
        )
    if not rows:
        parts.append(f'<p class="faint">{escape(sentence(language, "learn.mask.none"))}</p>')
    return html_page(f"{title} {name}".strip(), f"<main>{''.join(parts)}</main>", language)


def _legend(language: str) -> str:
    kinds = {
        "piece learned": sentence(language, "learn.mask.learned"),
        "piece": sentence(language, "learn.mask.read"),
        "piece control": sentence(language, "learn.mask.control"),
    }
    shown = (f'<span class="{kind}">{escape(name)}</span>' for kind, name in kinds.items())
    return f'<p class="legend">{" ".join(shown)}</p>'


def _marked(piece: Piece, learned: bool) -> str:
    kinds = "piece" + " learned" * learned + " control" * piece.control
    ends = "<br>" if "↵" in piece.text else ""
    element = "mark" if learned else "span"
    return f'<{element} class="{kinds}">{escape(piece.text)}</{element}>{ends}'

"""Work attention out on three tokens with real numbers, and write it as `docs/attention.md`.

`python scripts/attention_example.py` writes the page; `--check` only says whether it is current.
Weights and outputs come from the formula that the package's own models are tested against.
"""

import argparse
import inspect
import math
import sys
from pathlib import Path

import torch
from torch import Tensor

from attenda.learn.attention import attend_by_formula

__all__ = ["draw"]

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "attention.md"


def matrix(*rows: list[float]) -> Tensor:
    """Rows of numbers, in 64 bits, so that the page is the same on every machine."""
    return torch.tensor(rows, dtype=torch.float64)


TOKENS = ("the", "cat", "sleeps")
_ASKS = 2
"""The token whose numbers are followed in the text."""
X = matrix([1, 0, 1, 0], [0, 2, 0, 1], [1, 1, 0, 1])
W_Q = matrix([1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 2, 1, 0])
W_K = matrix([0, 0, 2, 0], [0, 1, 0, 0], [1, 0, 0, 1], [0, 1, 0, 0])
W_V = matrix([0, 1, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 1])
W_O = matrix([1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, -1], [1, 0, -1, 0])
CAUSAL = torch.ones(3, 3, dtype=torch.bool).tril()


def draw() -> str:
    """The whole page."""
    q, k, v = X @ W_Q, X @ W_K, X @ W_V  # (T, D) each
    return "\n".join(
        [_formula(), _one_head(q, k, v), _two_heads(q, k, v), _causal(q, k, v), _code()]
    )


def _formula() -> str:
    return """\
# Attention, worked out by hand

Every layer of every model here does this (Vaswani et al. 2017, “Attention Is All You Need”,
equation 1):

> Attention(Q, K, V) = softmax(QKᵀ / √d_k) V

Each token asks a question (its row of Q), shows what it has to offer (its row of K) and carries
something (its row of V). A question is held against every offer; the better they fit, the more of
what that token carries is taken. Below, three tokens of width 4 go through it, number by number.
"""


def _one_head(q: Tensor, k: Tensor, v: Tensor) -> str:
    scores = q @ k.T / math.sqrt(q.shape[1])  # (T, T)
    output, weights = _attend(q, k, v)
    row, place = weights[_ASKS], int(weights[_ASKS].argmax())
    asks, asked, score = TOKENS[_ASKS], TOKENS[place], scores[_ASKS, place]
    fit = f"{_sum(q[_ASKS], k[place])} = {float(q[_ASKS] @ k[place]):g}"
    powers = " + ".join(f"e^{_number(one)}" for one in scores[_ASKS].tolist())
    mixed = " + ".join(
        f"{one:.3f} · V({name})" for one, name in zip(row.tolist(), TOKENS, strict=True)
    )
    return f"""\
## One head

The tokens as vectors, a row each, and the three learned matrices:

{_table("X", X, TOKENS)}
{_side_by_side({"W_Q": W_Q, "W_K": W_K, "W_V": W_V})}
Every token is multiplied by each of them: Q = X W_Q, K = X W_K, V = X W_V.

{_table("Q", q, TOKENS)}
{_table("K", k, TOKENS)}
{_table("V", v, TOKENS)}
**Scores**, QKᵀ / √d_k with d_k = {q.shape[1]}: rows ask, columns are asked. “{asks}” asking
“{asked}” is {fit}, and that divided by √{q.shape[1]} is {_number(score)}.

{_table("scores", scores, TOKENS, TOKENS)}
**Weights**: the softmax of each row, so each row sums to 1. “{asks}” looks at “{asked}” most, with
e^{_number(score)} / ({powers}) = {row[place]:.3f}.

{_table("weights", weights, TOKENS, TOKENS)}
**Output**: the rows of V, mixed by these weights. That of “{asks}” is
{mixed}.

{_table("output", output, TOKENS)}"""


def _two_heads(q: Tensor, k: Tensor, v: Tensor) -> str:
    outputs, weights = _attend(q, k, v, heads=2)
    whole = torch.cat(list(outputs), dim=1)  # (T, W)
    return f"""\
## Two heads

> MultiHead(X) = [head_1 … head_H] W_O

One head can mix in one way only. With two, the columns of Q, K and V are shared out: the first
head has the first two, the second the others, and each divides by √2, since its d_k is 2.

{_table("weights of head 1", weights[0], TOKENS, TOKENS)}
{_table("weights of head 2", weights[1], TOKENS, TOKENS)}
Their outputs stand side by side, and W_O mixes them:

{_table("[head 1, head 2]", whole, TOKENS)}
{_table("W_O", W_O)}
{_table("[head 1, head 2] W_O", whole @ W_O, TOKENS)}"""


def _causal(q: Tensor, k: Tensor, v: Tensor) -> str:
    output, weights = _attend(q, k, v, mask=CAUSAL)
    return f"""\
## What comes later is hidden

A model that writes must not see what it is about to write. Scores of later tokens become −∞ before
the softmax, so their weights become 0, and the first token can look at itself alone:

{_table("weights, one head, causal", weights, TOKENS, TOKENS)}
{_table("output, one head, causal", output, TOKENS)}"""


def _code() -> str:
    source = inspect.getsource(attend_by_formula)
    body = source[source.rindex('"""') + 3 :].strip("\n")
    return f"""\
## Where it stands in the code

`attend_by_formula` in `src/attenda/learn/attention.py` is the formula as it is read; the numbers
above came out of it:

```python
{inspect.cleandoc(body)}
```

`attend`, in the same file, is PyTorch's fused kernel, and what models compute with; a test holds
the two equal, forward and backward. `Attention` has the four matrices as
`query`, `key`, `value` and `output`. `attenda learn lens MODEL "text"` shows the weights of every
layer and head of a real model.

This page is written by `python scripts/attention_example.py`.
"""


def _attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, heads: int = 0
) -> tuple[Tensor, Tensor]:
    """Output and weights of one head, (T, D) and (T, T), or of several, (H, T, D) and (H, T, T)."""
    parts = [x.unflatten(1, (heads or 1, -1)).transpose(0, 1)[None] for x in (q, k, v)]
    output, weights = attend_by_formula(parts[0], parts[1], parts[2], mask)  # (1, H, T, D)
    return (output[0], weights[0]) if heads else (output[0, 0], weights[0, 0])


def _table(
    name: str, values: Tensor, rows: tuple[str, ...] = (), columns: tuple[str, ...] = ()
) -> str:
    heads = columns or ("",) * values.shape[1]
    lines = [
        f"| {name} | {' | '.join(heads)} |",
        f"| --- |{' ---: |' * values.shape[1]}",
        *(
            f"| {rows[number] if rows else ''} | {' | '.join(map(_number, row))} |"
            for number, row in enumerate(values.tolist())
        ),
        "",
    ]
    return "\n".join(lines)


def _side_by_side(matrices: dict[str, Tensor]) -> str:
    lines = ["```text"]
    lines.append("      ".join(f"{name:<14}" for name in matrices).rstrip())
    for number in range(4):
        rows = ("  ".join(f"{int(x):>2}" for x in m[number].tolist()) for m in matrices.values())
        lines.append("      ".join(rows))
    return "\n".join([*lines, "```", ""])


def _sum(one: Tensor, other: Tensor) -> str:
    return " + ".join(f"{a:g}·{b:g}" for a, b in zip(one.tolist(), other.tolist(), strict=True))


def _number(value: float | Tensor) -> str:
    """Three digits after the point, none where it is whole."""
    value = float(value)
    whole = abs(value - round(value)) < 1e-9
    return f"{round(value)}" if whole else f"{value:.3f}"


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description="Work docs/attention.md out.")
    parser.add_argument("--check", action="store_true", help="only say whether it is current")
    check = parser.parse_args().check
    page = draw()
    if not check:
        PAGE.write_text(page, "utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text("utf-8") == page:
        return 0
    print(
        "docs/attention.md is not current; run `python scripts/attention_example.py`.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())

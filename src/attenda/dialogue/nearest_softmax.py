"""Softmax regression with weight decay, fitted without a line search.

Each step divides the gradient by a fixed matrix in the place of the curvature, with Nesterov's
acceleration, which starts anew when the loss rises (O'Donoghue and Candès, 2015). With fewer rows
than columns the same steps run on the rows' inner products, so that ten examples cost ten by ten
numbers.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["fit_softmax", "inner_products", "softmax"]

Floats = NDArray[np.float32]

_SMALL_GRADIENT = 1e-3
"""Share of the steepest gradient at which the descent ends."""

Measure = Callable[[Floats], tuple[float, Floats]]


def softmax(logits: Floats) -> Floats:
    """Shares of each row of `logits`, (N, C), summing to 1."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)


def inner_products(rows: Floats) -> Floats:
    """Of all `rows` (N, D) with each other, (N, N)."""
    return np.asarray(np.matmul(rows, rows.T, dtype=np.float32))


def fit_softmax(
    rows: Floats,
    targets: Floats,
    *,
    weight_decay: float,
    steps: int = 40,
    products: Floats | None = None,
) -> Floats:
    """Weights (D, C) that map `rows` (N, D) to logits of `targets` (N, C), rows of shares.

    Minimises the summed cross-entropy plus `weight_decay` / 2 times the squared weights. Where the
    rows' inner `products` (N, N) are at hand, they are not reckoned anew.
    """
    if len(rows) < rows.shape[1]:
        inner = inner_products(rows) if products is None else products
        step = _step_matrix(inner, weight_decay)

        def dual(coefficients: Floats) -> tuple[float, Floats]:
            logits = inner @ coefficients
            decay = weight_decay / 2 * float((coefficients * logits).sum())
            missed = softmax(logits) - targets
            return _loss(logits, targets) + decay, missed + weight_decay * coefficients

        return rows.T @ _descend(dual, step, np.zeros_like(targets), steps)
    step = _step_matrix(rows.T @ rows, weight_decay)  # (D, D)

    def primal(weights: Floats) -> tuple[float, Floats]:
        logits = rows @ weights
        decay = weight_decay / 2 * float((weights**2).sum())
        missed = softmax(logits) - targets
        return _loss(logits, targets) + decay, rows.T @ missed + weight_decay * weights

    start = np.zeros((rows.shape[1], targets.shape[1]), dtype=np.float32)
    return _descend(primal, step, start, steps)


def _descend(measure: Measure, step: Floats, start: Floats, steps: int) -> Floats:
    """Follow `measure`, which gives the loss and its gradient, from `start`."""
    place = ahead = start
    least, steepest, momentum, length = np.inf, 0.0, 0, np.float32(1)
    for _ in range(steps):
        loss, gradient = measure(ahead)
        steepest = max(steepest, float(np.abs(gradient).max()))
        if np.abs(gradient).max() <= _SMALL_GRADIENT * steepest:
            return ahead
        momentum = momentum + 1 if loss <= least else 0
        length = length if loss <= least else np.float32(0.5)  # from now on within the bound
        least = loss
        before, place = place, ahead - length * (step @ gradient)
        ahead = place + np.float32(momentum / (momentum + 3)) * (place - before)
    return place


def _step_matrix(products: Floats, weight_decay: float) -> Floats:
    """The inverse of a quarter of `products` plus the decay.

    A half bounds the curvature from above (Böhning, "Multinomial logistic regression algorithm",
    1992). A quarter steps twice as far, which pays where flows are many and shares seldom even.
    """
    raised = products / 4 + np.diag(np.full(len(products), weight_decay, np.float32))
    return np.asarray(np.linalg.inv(raised), dtype=np.float32)


def _loss(logits: Floats, targets: Floats) -> float:
    """Summed cross-entropy."""
    top = logits.max(axis=1, keepdims=True)
    sums = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
    return float(sums.sum() - (logits * targets).sum())

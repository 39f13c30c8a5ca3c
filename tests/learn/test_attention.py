"""Attention: the fast path equals the formula, forward and backward, however it looks."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attenda.learn import attention
from attenda.learn.attention import Sight, attend, attend_by_formula, attend_in_slices
from attenda.learn.families import PRESETS, preset
from attenda.learn.shape import ModelShape
from attenda.learn.transformer import Decoder, EncoderDecoder, build

BOUND = 1e-5


def drawn(*size: int, seed: int = 0) -> torch.Tensor:
    chance = torch.Generator().manual_seed(seed)
    return torch.randn(*size, generator=chance).requires_grad_()


def causal(count: int) -> torch.Tensor:
    return torch.ones(count, count, dtype=torch.bool).tril()


@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(1, 3),
    groups=st.integers(1, 3),
    shared=st.integers(1, 3),
    queries=st.integers(1, 9),
    keys=st.integers(1, 9),
    width=st.integers(1, 16),
    look=st.sampled_from(["cross", "causal", "padded", "added"]),
    scale=st.sampled_from([None, 1.0]),
    seed=st.integers(0, 2**31),
)
def test_the_fast_path_equals_the_formula(
    batch: int,
    groups: int,
    shared: int,
    queries: int,
    keys: int,
    width: int,
    look: str,
    scale: float | None,
    seed: int,
) -> None:
    keys = queries if look == "causal" else keys
    q = drawn(batch, groups * shared, queries, width, seed=seed)
    k = drawn(batch, groups, keys, width, seed=seed + 1)
    v = drawn(batch, groups, keys, width, seed=seed + 2)
    mask: torch.Tensor | None = None
    sight = Sight()
    if look == "causal":
        mask, sight = causal(queries), Sight(causal=True)
    elif look == "padded":  # some queries may look nowhere at all
        mask = drawn(batch, 1, queries, keys, seed=seed + 3).detach() > 0
        sight = Sight(mask=mask)
    elif look == "added":
        mask = drawn(1, groups * shared, queries, keys, seed=seed + 4).detach()
        sight = Sight(mask=mask)

    expected, weights = attend_by_formula(q, k, v, mask, scale)
    slope = drawn(*expected.shape, seed=seed + 5).detach()
    wanted = torch.autograd.grad((expected * slope).sum(), (q, k, v))
    ways = [attend(q, k, v, sight, scale)]
    if look == "causal" and shared == 1:
        ways += [attend_in_slices(q, k, v, sight, scale, size) for size in (1, 3, 128)]
    for found in ways:
        slopes = torch.autograd.grad((found * slope).sum(), (q, k, v))
        torch.testing.assert_close(found, expected, atol=BOUND, rtol=BOUND)
        for one, other in zip(slopes, wanted, strict=True):
            torch.testing.assert_close(one, other, atol=BOUND, rtol=BOUND)
    sums = weights.sum(-1)
    assert bool(((sums - 1).abs().lt(1e-5) | sums.eq(0)).all())


def test_the_formula_by_hand() -> None:
    q = torch.tensor([[[[1.0, 0.0]]]])
    k = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    v = torch.tensor([[[[10.0], [20.0]]]])
    one = math.exp(1 / math.sqrt(2))
    share = one / (one + 1)
    out, weights = attend_by_formula(q, k, v)
    torch.testing.assert_close(weights, torch.tensor([[[[share, 1 - share]]]]))
    torch.testing.assert_close(out, torch.tensor([[[[10 * share + 20 * (1 - share)]]]]))


def small(name: str) -> ModelShape:
    return preset(name, 97)


def test_slices_of_packed_rows_look_at_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(small("llama-3m"), seed=3)
    assert isinstance(model, Decoder)
    tokens = torch.randint(0, 97, (2, 150), generator=torch.Generator().manual_seed(2))
    lengths = ((40, 3, 60, 47), (130, 10, 5, 5))
    documents = torch.stack(
        [torch.cat([torch.full((n,), i) for i, n in enumerate(row)]) for row in lengths]
    )
    documents[1, -5:] = -1
    positions = torch.stack([torch.cat([torch.arange(n) for n in row]) for row in lengths])
    with torch.no_grad():
        expected = model(tokens, documents=documents, positions=positions)
        monkeypatch.setattr(attention, "_slices_pay", lambda *_: True)
        monkeypatch.setattr(attention.attend_in_slices, "__defaults__", (None, 32))
        found = model(tokens, documents=documents, positions=positions)
    assert (found - expected)[documents >= 0].abs().max().item() <= BOUND


@pytest.mark.parametrize("name", ["gpt2-1m", "llama-3m", "qwen3-10m"])
def test_packed_rows_do_not_see_each_other(name: str) -> None:
    model = build(small(name), seed=3)
    assert isinstance(model, Decoder)
    chance = torch.Generator().manual_seed(1)
    texts = [torch.randint(0, 97, (n,), generator=chance) for n in (5, 1, 17, 9)]
    tokens = torch.cat([*texts, torch.zeros(4, dtype=torch.long)])[None]
    documents = torch.tensor([[0] * 5 + [1] + [2] * 17 + [3] * 9 + [-1] * 4])
    positions = torch.cat([torch.arange(n) for n in (5, 1, 17, 9, 4)])[None]
    with torch.no_grad():
        packed = model(tokens, documents=documents, positions=positions)[0]
        alone = torch.cat([model(text[None])[0] for text in texts])
    assert (packed[: len(alone)] - alone).abs().max().item() <= BOUND


@pytest.mark.parametrize("name", ["gpt2-1m", "llama-3m", "qwen3-10m"])
def test_a_cache_changes_nothing(name: str) -> None:
    model = build(small(name), seed=3)
    assert isinstance(model, Decoder)
    tokens = torch.randint(0, 97, (2, 20), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        whole = model(tokens)
        cache = model.new_cache(2, 20)
        steps = [model(tokens[:, :7], cache=cache), model(tokens[:, 7:12], cache=cache)]
        steps += [model(tokens[:, i : i + 1], cache=cache) for i in range(12, 20)]
    assert (torch.cat(steps, 1) - whole).abs().max().item() <= BOUND


def test_the_writer_sees_its_own_source_alone_with_and_without_a_cache() -> None:
    model = build(preset("vaswani-3m", 97), seed=3).eval()
    assert isinstance(model, EncoderDecoder)
    chance = torch.Generator().manual_seed(2)
    sources = [torch.randint(0, 97, (n,), generator=chance) for n in (6, 11)]
    answers = [torch.randint(0, 97, (n,), generator=chance) for n in (4, 3)]
    ids = torch.tensor
    with torch.no_grad():
        alone = [model(s[None], a[None])[0] for s, a in zip(sources, answers, strict=True)]
        places = [torch.cat([torch.arange(len(t)) for t in ts])[None] for ts in (sources, answers)]
        whose = ids([[0] * 6 + [1] * 11])
        memory = model.read(torch.cat(sources)[None], positions=places[0], documents=whose)
        packed = model.logits(
            model.hidden(
                torch.cat(answers)[None],
                (memory, whose),
                positions=places[1],
                documents=ids([[0] * 4 + [1] * 3]),
            )
        )[0]
        cache = model.new_cache(1, 4, 6)
        read = (model.read(sources[0][None]), None)
        steps = [model.hidden(answers[0][None, i : i + 1], read, cache=cache) for i in range(4)]
        stepped = model.logits(torch.cat(steps, 1))[0]
    assert (packed - torch.cat(alone)).abs().max().item() <= BOUND
    assert (stepped - alone[0]).abs().max().item() <= BOUND


def test_every_preset_can_be_built_and_reads() -> None:
    for name in PRESETS:
        shape = preset(name, 300)
        if shape.layers * shape.width > 5_000:
            continue  # gpt2-124m: the same code at twelve times the size
        model = build(shape, seed=0)
        tokens = torch.zeros(1, 3, dtype=torch.long)
        out = model(tokens, tokens) if isinstance(model, EncoderDecoder) else model(tokens)
        assert bool(out.isfinite().all()), name

"""Tests of learning compute on one thread: they are small, and other tests run beside them."""

import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

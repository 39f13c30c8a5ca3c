"""Models by their name on a hub, from a hub on this machine that speaks the real one's API."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from huggingface_hub import constants  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from attenda.cli.commands import app as commands  # noqa: E402
from attenda.cli.hub import bring  # noqa: E402
from attenda.core.errors import AttendaError  # noqa: E402
from attenda.learn.dialogues import write  # noqa: E402
from attenda.learn.model_folder import write_folder  # noqa: E402
from attenda.learn.transformer import build  # noqa: E402
from tests.learn.hub_server import HubServer, hub_server  # noqa: E402
from tests.learn.school import talks, tiny, tokenizer  # noqa: E402

NAME = "maker/tiny-gpt2"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub with a tiny GPT-2 as the first GPT-2 lies there: short names, masks among weights."""
    words = tokenizer("gpt2")
    folder = tmp_path / "offered"
    write_folder(folder, build(tiny("gpt2", words.vocabulary), seed=1), words)
    words.inner.model.save(str(folder))
    for name in ("attenda.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    weights = load_file(folder / "model.safetensors")
    weights = {name.removeprefix("transformer."): one for name, one in weights.items()}
    weights["h.0.attn.bias"] = torch.tril(torch.ones(64, 64))[None, None]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    (folder / "modeling_tiny.py").write_text("raise SystemExit")
    with hub_server() as server:
        server.add(NAME, folder)
        _point_to(server.address, monkeypatch)
        yield server


def _point_to(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `HF_ENDPOINT` does to a process that begins."""
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # as tests that need no hub set it
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_TOKEN", "")


def refused(home: Path, name: str) -> AttendaError:
    """Why a model was not brought; nothing of it may stay."""
    with pytest.raises(AttendaError) as refusal:
        bring(home, name)
    assert "\n" not in str(refusal.value)
    assert [path.name for path in (home / "hub").iterdir()] in ([], [".lock"])
    return refusal.value


def test_a_model_is_fetched_by_name_samples_and_learns(hub: HubServer, home: Path) -> None:
    hub.cut[NAME] = 1
    data = home / "talks.jsonl"
    home.mkdir()
    write(data, talks(20))

    def attenda(*arguments: str) -> str:
        words = ["--home", str(home), "learn", *arguments]
        done = CliRunner().invoke(commands, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    said = attenda("sample", NAME, "red green", "--json", "--tokens=4")
    assert isinstance(json.loads(said)[0], str)
    folder = home / "hub" / NAME
    found = sorted(path.name for path in folder.iterdir())
    assert found == ["config.json", "merges.txt", "model.safetensors", "vocab.json"]
    offered = hub.models[NAME]
    assert all((folder / name).read_bytes() == offered[name] for name in found)
    assert hub.asked.count(f"GET /cdn/{NAME}/model.safetensors") == 2, (
        "it was tried again after the cut"
    )

    asked = len(hub.asked)
    attenda(
        "tune",
        f"--model={NAME}",
        f"--data={data}",
        "--steps=1",
        "--length=32",
        "--name=mine",
        "--set=data.most_overlap=1",
    )
    assert len(hub.asked) == asked, "what is here is not asked for again"
    assert json.loads((home / "runs/mine/run.json").read_text())["status"] == "finished"
    assert isinstance(json.loads(attenda("sample", "mine", "red", "--json", "--tokens=4"))[0], str)


def test_what_goes_wrong_is_said_plainly_and_leaves_nothing(hub: HubServer, home: Path) -> None:
    offered = hub.models[NAME]
    for fault in ("cut", "changed", "gated"):
        hub.models[f"maker/{fault}"] = offered
    hub.cut["maker/cut"] = 1
    hub.gone_after_cut.add("maker/cut")
    hub.changed.add("maker/changed")
    hub.gated.add("maker/gated")
    hub.models["maker/pickled"] = {"config.json": b"{}", "pytorch_model.bin": b"\x80\x04."}
    hub.models["maker/empty"] = {"README.md": b"hello", ".gitattributes": b""}
    for name in ("maker/none", "maker/lost"):
        unknown = refused(home, name)
        assert unknown.key == "learn.hub.unknown" and f"{hub.address}/{name}" in str(unknown)
    gated = refused(home, "maker/gated")
    assert gated.key == "learn.hub.gated" and "HF_TOKEN" in str(gated)
    assert refused(home, "maker/cut").key == "learn.hub.failed"
    damaged = refused(home, "maker/changed")
    assert damaged.key == "learn.hub.damaged" and "model.safetensors" in str(damaged)
    pickled = refused(home, "maker/pickled")
    assert pickled.key == "learn.hub.pickled" and "pytorch_model.bin" in str(pickled)
    assert not any("/cdn/maker/pickled" in asked for asked in hub.asked)
    assert refused(home, "maker/empty").key == "learn.hub.no_model"
    assert refused(home, "maker/..").key == "learn.hub.failed"
    hub.gone_after_cut.clear()
    bring(home, "maker/cut")
    assert (home / "hub/maker/cut/model.safetensors").stat().st_size


def test_a_token_opens_what_is_gated(
    hub: HubServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.gated.add(NAME)
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    bring(home, NAME)
    assert (home / "hub" / NAME / "config.json").exists()


def test_without_a_network_it_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _point_to("http://127.0.0.1:9", monkeypatch)
    assert refused(home, NAME).key == "learn.hub.failed"

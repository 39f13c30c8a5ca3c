"""What may stand nowhere: code that is data, nets that catch all, places of one machine."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "attenda"

BANNED_MODULES = frozenset({"pickle", "marshal", "shelve", "dill", "joblib"})
BANNED_CALLS = frozenset({"eval", "exec", "yaml.load", "torch.load", "os.system", "os.popen"})
CATCH_ALL = frozenset({"Exception", "BaseException"})
MAY_CATCH_ALL = {
    "cli/packs.py": "whatever a pack's code raises is told to who runs it",
    "tools/effects.py": "whatever a tool raises ends in a state",
    "tools/sending.py": "whatever a tool beyond our database raises ends in a state",
    "tools/monitor.py": "a tool that fails to say who would learn of a call makes none",
    "tools/rehearsal.py": "whatever a tool raises as it is tried is taken back with it",
    "tools/mcp.py": "whatever goes wrong once a deed was sent, it may have been done",
    "runtime/turn.py": "a run that breaks is recorded as failed before the error goes on",
    "runtime/alarming.py": "a pack's look that breaks must not lose what a person wrote",
    "runtime/guarding.py": "whatever a guard raises, nothing gets past it",
    "llm/child.py": "whatever an engine raises, the process that asked must hear why",
    "learn/learning.py": "a run that breaks is noted as such before the error goes on",
    "learn/spread.py": "a process that fails alone must tell why before the others are ended",
    "learn/tokenizer.py": "the tokenizer library raises a bare Exception",
    "llm/minilm.py": "the tokenizer library raises a bare Exception",
    "knowledge/parse/child.py": "a hostile file can make a parser raise anything at all",
    "serve/app.py": "no traceback reaches a person",
    "runtime/log.py": "a batch that can't be written is handed on to everyone who waits for it",
    "store/database.py": "a unit that fails is handed on to who waits for it; the writer goes on",
    "runtime/silence_watch.py": "a look that fails is logged and another follows",
    "runtime/noticing.py": "a failed round of notices is logged and another follows",
    "runtime/mail_channel.py": "one look at the mail that breaks must not be the last",
    "runtime/upkeep.py": "upkeep waits for the next hour; the installation goes on",
    "knowledge/folders.py": "what fails with one file is logged, and the rest goes on",
    "knowledge/ingest.py": "whatever breaks costs one document, and the queue goes on",
    "cli/commands.py": "no traceback reaches a person; the log keeps it",
    "runtime/durable.py": "an automation that breaks is recorded as failed",
}
"""Files that may, each with its reason."""

REGISTRIES = [
    ".".join(words)
    for words in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
        ("static", "crates", "io"),
        ("proxy", "golang", "org"),
    )
]
MACHINE_PATH = re.compile(r"(?<![\w/.~-])/(?:" + "|".join(("home", "root", "work")) + r")/\w")


def dotted(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{dotted(value)}.{name}"
        case _:
            return ""


def imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield (node.module or "").partition(".")[0]


def bans_broken(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        yield from (f"imports {name}" for name in imported(node) if name in BANNED_MODULES)
        if isinstance(node, ast.Call):
            if dotted(node.func) in BANNED_CALLS:
                yield f"calls {dotted(node.func)}"
            if any(is_shell(keyword) for keyword in node.keywords):
                yield "starts a shell"


def is_shell(keyword: ast.keyword) -> bool:
    off = isinstance(keyword.value, ast.Constant) and not keyword.value.value
    return keyword.arg == "shell" and not off


def catches_all(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        return any(kind is None or dotted(kind) in CATCH_ALL for kind in kinds)
    if isinstance(node, ast.Call) and dotted(node.func).endswith("suppress"):
        return any(dotted(argument) in CATCH_ALL for argument in node.args)
    return False


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text("utf-8"))


def committed_texts() -> Iterator[tuple[str, str]]:
    """Each text file that git tracks or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        answer = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this tree is no git repository, so there is no list of its files")
    for name in filter(None, answer.stdout.decode().split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (data := path.read_bytes()):
            yield name, data.decode(errors="replace")


def test_data_is_never_code() -> None:
    assert [(name, what) for name, tree in sources() for what in bans_broken(tree)] == []


def test_only_named_files_catch_everything() -> None:
    found = {name for name, tree in sources() if any(map(catches_all, ast.walk(tree)))}
    assert found <= MAY_CATCH_ALL.keys()


def test_no_registry_is_named() -> None:
    found = [
        (name, host) for name, text in committed_texts() for host in REGISTRIES if host in text
    ]
    assert found == []


def test_no_path_of_one_machine() -> None:
    found = [
        (name, match.group())
        for name, text in committed_texts()
        for match in MACHINE_PATH.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from marshal import loads",
        "eval('1')",
        "torch.load(path)",
        "run(command, shell=True)",
        "run(command, shell=wanted)",
    ],
)
def test_the_bans_see(line: str) -> None:
    assert list(bans_broken(ast.parse(line)))


@pytest.mark.parametrize("line", ["run(command, shell=False)", "model.eval()", "yaml.safe_load(x)"])
def test_the_bans_let_pass(line: str) -> None:
    assert not list(bans_broken(ast.parse(line)))

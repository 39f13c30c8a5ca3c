"""Every module says what it is, names what it offers, and fits on a few screens."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
MODULES = sorted(SOURCE.rglob("*.py"))
MOST_LINES = 400
TABLES = frozenset(
    {"core/words/en.py", "core/words/zh_cn.py", "store/migrations/versions/m0001_first.py"}
)
"""Tables of sentences grow by a line for each sentence, and are looked up, not read through."""


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE / "attenda").as_posix()


@pytest.fixture(params=MODULES, ids=name_of)
def module(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def defined(body: list[ast.stmt]) -> Iterator[str]:
    """The names that a module's top level binds, inside its `if` and `try` too."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Import() | ast.ImportFrom():
                yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
            case ast.Assign(targets=targets):
                for target in targets:
                    yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.If() | ast.Try() | ast.With():
                yield from defined(node.body)
                yield from defined(getattr(node, "orelse", []))
                for handler in getattr(node, "handlers", []):
                    yield from defined(handler.body)


def exported(tree: ast.Module) -> list[str] | None:
    """The names in `__all__`; none when the module has no such list."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            assert isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
            return list(ast.literal_eval(node.value))
    return None


def test_opens_with_a_sentence(module: Path) -> None:
    docstring = ast.get_docstring(ast.parse(module.read_text("utf-8"))) or ""
    first = docstring.partition("\n")[0]
    assert re.match(r"[A-Za-z`].* .*[.!?]$", first), f"its first line is {first!r}"


def test_names_what_it_offers(module: Path) -> None:
    tree = ast.parse(module.read_text("utf-8"))
    names = exported(tree)
    assert names is not None, "it has no __all__"
    assert len(names) == len(set(names)), "__all__ names something twice"
    assert set(names) <= set(defined(tree.body)), "__all__ names what isn't there"


def test_fits_on_a_few_screens(module: Path) -> None:
    lines = len(module.read_text("utf-8").splitlines())
    assert lines <= MOST_LINES or name_of(module) in TABLES, f"it has {lines} lines"

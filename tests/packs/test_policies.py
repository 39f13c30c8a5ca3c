"""What each pack says of each of its tools, who does it and who learns: a table beside this file.

A change of rules shows there as a change of lines. `python tests/packs/test_policies.py` writes it
anew, to be read before it is committed.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import get_args

from attenda.cli.packs import load_pack
from attenda.core.principal import Grant, Kind, Principal, Role
from attenda.runtime.pack import Pack
from attenda.tools.policy import Policy, Rule, read_policy
from attenda.tools.tool import Tool

TABLE = Path(__file__).with_name("policies.txt")
PACKS = Path(__file__).parents[2] / "src" / "attenda" / "packs"
_GRANT = Grant(channel_id="c", session_id="s", agent_id="a")
EVERYBODY: dict[Kind, Principal] = {
    **{role: Principal(id=role, role=role) for role in get_args(Role)},
    "customer": Principal(id="c", role=None, grant=_GRANT.model_copy(update={"customer": "ana"})),
    "visitor": Principal(id="v", role=None, grant=_GRANT),
}


def within(text: str) -> list[str]:
    """Values for which a comparison just holds; of several options each."""
    sign, _, wanted = text.partition(" ")
    if sign == "in":
        return [one.strip() for one in wanted.split(",")]
    if sign == "!=":
        return ["OTHER"]
    step = {"<": Decimal("-0.01"), ">": Decimal("0.01")}.get(sign)
    return [wanted if step is None else str(Decimal(wanted) + step)]


def beyond(text: str) -> str:
    """A value for which it just does not hold."""
    sign, _, wanted = text.partition(" ")
    if sign in ("in", "=="):
        return "OTHER"
    step = {"<=": Decimal("0.01"), ">=": Decimal("-0.01")}.get(sign)
    return wanted if step is None else str(Decimal(wanted) + step)


def probes(rules: list[Rule]) -> Iterator[tuple[dict[str, str], int]]:
    """Arguments, and how often it was done before: at each bound of the rules and just over it."""
    if not any(rule.when for rule in rules):
        yield {}, 0
    for rule in rules:
        holds = {name: within(text)[0] for name, text in rule.when.items()}
        for name, text in rule.when.items():
            yield from ((holds | {name: value}, 0) for value in (*within(text), beyond(text)))
        if rule.at_most is not None:
            yield holds, rule.at_most


def decided(policy: Policy, tool: Tool, given: Mapping[str, str], before: int) -> str:
    """What is decided for whom, those together for whom it is the same."""
    done = dict.fromkeys(policy.windows(tool.name), before)
    found: dict[str, list[str]] = {}
    for kind, who in EVERYBODY.items():
        ruling = policy.rules_on(tool, given, who, done)
        asked = f" {ruling.approver} for {ruling.lasts_s} s" if ruling.do == "ask" else ""
        found.setdefault(f"{ruling.do}{asked} {ruling.rule}".strip(), []).append(kind)
    alike = {said: "all" if len(whom) == len(EVERYBODY) else " ".join(whom)
             for said, whom in found.items()}  # fmt: skip
    return "; ".join(f"{whom}: {said}" for said, whom in alike.items())


def told(tool: Tool) -> str:
    """Who beside the person learns of what it is given; a write names somebody in any case."""
    assert tool.sink or not tool.writes, f"{tool.name}: who learns of it?"
    if tool.sink is None:
        return ""
    by = tool.sink if isinstance(tool.sink, frozenset) else {f"by {n}" for n in tool.sink_names}
    free = f", {' and '.join(sorted(tool.releases))} let out" if tool.releases else ""
    return f", told to {' and '.join(sorted(by))}{free}"


def lines(pack: Pack) -> Iterator[str]:
    """The table of one pack."""
    policy = read_policy((pack.folder / "policy.toml").read_text("utf-8"), "policy.toml")
    doubt = policy.untrusted
    budget = ", ".join(f"{n} {value}" for n, value in policy.budget.model_dump().items())
    yield f"# {pack.name}: strangers' values {doubt.do} {doubt.approver}; a turn's {budget}"
    for tool in pack.tools:
        whom = told(tool.told_to(pack.read_by))
        yield f"{tool.name} ({'writes' if tool.writes else 'reads'}{whom})"
        rules = [rule for rule in policy.rule if rule.tool in (tool.name, "*")]
        asked = dict.fromkeys((tuple(given.items()), before) for given, before in probes(rules))
        for given, before in asked:
            at = " ".join(f"{name}={value}" for name, value in given)
            at += f" after {before}" * bool(before)
            yield f"  {at.strip() or 'always'} | {decided(policy, tool, dict(given), before)}"


def table() -> str:
    """All packs that come along."""
    folders = sorted(path.parent for path in PACKS.glob("*/pack.py"))
    return "\n".join(line for folder in folders for line in lines(load_pack(folder))) + "\n"


def test_who_may_do_what_is_what_the_table_says() -> None:
    assert table().splitlines() == TABLE.read_text("utf-8").splitlines()


if __name__ == "__main__":
    TABLE.write_text(table(), "utf-8")

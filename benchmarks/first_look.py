"""Processor time of a pack's first look at heaps of one or two words, which nobody writes.

A first look runs in the process that serves everybody, so what it takes for a hostile message is
what everybody waits. Heaps of 1,500 letters are drawn from the words of the pack's own files.

    python benchmarks/first_look.py clinic --heaps 2000
"""

import argparse
import random
import re
import statistics
import time
from pathlib import Path

from attenda.api import Principal, Said
from attenda.cli.packs import load_pack
from attenda.core.label import SYSTEM, Labelled, said_by
from attenda.dialogue.state import DialogueState, Frame
from attenda.runtime.flow_turn import given_for
from attenda.runtime.pack import Pack

PACKS = Path(__file__).parent.parent / "src" / "attenda" / "packs"
LETTERS = 1500
BETWEEN = ("", " ", ", ", "，", "。", ". ", "\n")
HEARD = {"said": [], "asks": ["I have chest pain."], "options": ["Yes", "No"]}
STATES = (
    DialogueState(),
    DialogueState(
        frames=(
            Frame(
                flow="intake",
                fingerprint="",
                instance="i",
                values={"heard": Labelled(value=HEARD, label=SYSTEM)},
            ),
        )
    ),
)


def words_of(folder: Path) -> list[str]:
    """Every word of English and up to four letters of Chinese in a pack's files."""
    files = [one for one in folder.rglob("*") if one.suffix in (".py", ".yaml", ".toml")]
    text = "\n".join(one.read_text("utf-8") for one in files).lower()
    return sorted({*re.findall(r"[a-z']{1,14}", text), *re.findall("[\u3400-\u9fff]{1,4}", text)})


def heap(words: list[str], chance: random.Random) -> str:
    """Letters of one or two words, again and again."""
    between = chance.choice(BETWEEN)
    unit = "".join(chance.choice(words) + between for _ in range(chance.choice((1, 1, 2))))
    return (unit * LETTERS)[:LETTERS]


def took_s(pack: Pack, text: str, state: DialogueState) -> float:
    """Seconds of processor time of one look."""
    assert pack.first is not None
    given = given_for(Principal(id="them", role="viewer"), "m", [text], 0)
    said = Said(text, "m", said_by("them", "m"), given, state)
    began = time.process_time()
    pack.first(said)
    return time.process_time() - began


def main() -> None:
    """Draw, look, tell the dearest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pack", choices=("clinic", "support", "tutor"))
    parser.add_argument("--heaps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    pack, words = load_pack(PACKS / given.pack), words_of(PACKS / given.pack)
    chance = random.Random(given.seed)
    states = STATES if given.pack == "clinic" else STATES[:1]
    took_s(pack, "hello", STATES[0])  # reads its files
    found = []
    for number in range(given.heaps):
        text = heap(words, chance)
        found.append((took_s(pack, text, states[number % len(states)]), text[:20]))
    found.sort(reverse=True)
    print(f"{len(found)} heaps of {LETTERS} letters, {len(words)} words; seconds of processor")
    print(f"median {statistics.median(one for one, _ in found):.3f}, dearest {found[0][0]:.3f}")
    for seconds, begins in found[:5]:
        print(f"  {seconds:.3f} {begins!r}")


if __name__ == "__main__":
    main()

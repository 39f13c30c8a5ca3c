"""How well knowledge tracing foresees the next answer, on ASSISTments' pupils.

    ATTENDA_DATA=DATA python benchmarks/tracing.py [--seed 13] [--csv FILE]

The pupils are shuffled with the seed; four of five are learned from, skill by skill, with EM; the
answers of the rest are foretold one by one, each from the pupil's earlier answers to that skill.
Beside it, on the same answers: the majority (always "right"), and the share of right answers of
the skill among the learned pupils. A skill with fewer than `LEAST` pupils takes the parameters of
all skills together. `pybkt_published` is not measured here: it is what pyBKT's authors report for
their own library on the whole 2009-2010 set, with another split (github.com/CAHLR/pyBKT-examples,
"Standard KT Model": AUC 0.76; pupils with a single answer to a skill left out, as here).
"""

import argparse
import csv
import json
import os
import random
from pathlib import Path

from attenda.packs.tutor.rules import Tracing
from attenda.packs.tutor.tracing_fit import area_under_curve, by_skill, fit, predictions

__all__ = ["compare", "main"]

LEAST = 5
PUBLISHED = 0.76
STARTS = (Tracing(), Tracing(prior=0.6, learn=0.1), Tracing(prior=0.4, learn=0.4, guess=0.1))


def best(sequences: list[list[int]]) -> Tracing:
    """Of several starts, the one that EM brings farthest."""
    found = [fit(sequences, start) for start in STARTS]
    return max(found, key=lambda one: one.log_likelihood).skill


def compare(rows: list[dict[str, str]], seed: int = 13) -> dict[str, float]:
    """AUC and accuracy of each way of foretelling, on the pupils that nothing was learned from."""
    pupils = sorted({row["student"] for row in rows})
    random.Random(seed).shuffle(pupils)
    learned = set(pupils[: len(pupils) * 4 // 5])
    told: dict[str, list[float]] = {"bkt": [], "share_of_skill": []}
    truth: list[int] = []
    skills = by_skill(rows)
    known = [a for one in skills.values() for who, a in one.items() if who in learned]
    for_all, share = best([a for a in known if len(a) > 1]), [x for a in known for x in a]
    for pupils_of in skills.values():
        train = [answers for who, answers in pupils_of.items() if who in learned]
        long = [answers for answers in train if len(answers) > 1]
        skill = best(long) if len(long) >= LEAST else for_all
        flat = [x for answers in train for x in answers] or share
        for who, answers in pupils_of.items():
            if who not in learned and len(answers) > 1:
                told["bkt"] += predictions(answers, skill)
                told["share_of_skill"] += [sum(flat) / len(flat)] * len(answers)
                truth += answers
    told["majority"] = [sum(share) / len(share)] * len(truth)
    found = {"pupils": float(len(pupils)), "answers_foretold": float(len(truth))}
    for name, scores in told.items():
        right = sum((score >= 0.5) == bool(one) for score, one in zip(scores, truth, strict=True))
        found[f"auc_{name}"] = round(area_under_curve(truth, scores), 4)
        found[f"accuracy_{name}"] = round(right / len(truth), 4)
    return found | {"pybkt_published": PUBLISHED}


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--csv", type=Path)
    asked = parser.parse_args()
    path = asked.csv or Path(os.environ["ATTENDA_DATA"]) / "assistments_excerpt/responses.csv"
    with path.open(newline="") as file:
        print(json.dumps(compare(list(csv.DictReader(file)), asked.seed), indent=1))


if __name__ == "__main__":
    main()

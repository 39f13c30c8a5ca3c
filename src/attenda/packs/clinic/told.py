"""What interviews in a chart tell of medicines, allergies and illnesses, as checks read it. Pure.

What was told and is in doubt counts too: a check that leaves it out would clear too much. What was
denied takes nothing away from a chart.
"""

from collections.abc import Container, Iterable, Mapping
from typing import Any

from attenda.packs.clinic.chart import Allergy, Condition, Medicine, Part, Told

__all__ = ["list_of", "told_in", "words_of"]

_NOW = ("present", "unsure")


def list_of(fact: Mapping[str, Any]) -> Part | None:
    """The list of a chart that a fact is about; none for what is of no list, past or of others."""
    if fact["subject"] != "patient" or fact["status"] not in _NOW:
        return None
    match fact["section"]:
        case "medication" if fact["when"] != "past":
            return "medicines"
        case "allergies" if fact["name"] != "any":
            return "allergies"
        case "history":
            return "conditions"
    return None


def words_of(fact: Mapping[str, Any]) -> str:
    """What a list says of a fact: the person's own words, a medicine with its dose."""
    dose = fact["value"] if fact["section"] == "medication" else ""
    return " ".join(filter(None, (fact["words"], dose)))


def told_in(
    filings: Iterable[Mapping[str, Any]], taken: Container[tuple[str, int]] = frozenset()
) -> Told:
    """What stands in interviews that were put into a chart, each with the interview's number.

    Args:
        filings: rows of the table `filings`, those that hold.
        taken: facts that stand in the chart's own lists by now, by filing and place.
    """
    medicines: list[Medicine] = []
    allergies: list[Allergy] = []
    conditions: list[Condition] = []
    for filing in filings:
        number = filing["intake_id"]
        for place, fact in enumerate(filing["facts"] or ()):
            if (filing["id"], place) in taken:
                continue
            text = words_of(fact)
            match list_of(fact):
                case "medicines":
                    medicines.append(Medicine(text, origin="told", number=number))
                case "allergies":
                    allergies.append(Allergy(text, number=number))
                case "conditions":
                    conditions.append(Condition(text, number=number))
    return Told(tuple(medicines), tuple(allergies), tuple(conditions))

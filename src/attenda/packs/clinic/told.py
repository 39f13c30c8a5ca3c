"""What interviews in a chart tell of medicines, allergies and illnesses, as checks read it. Pure.

What was told and is in doubt counts too: a check that leaves it out would clear too much. What was
denied takes nothing away from a chart.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from attenda.packs.clinic.chart import Allergy, Condition, Medicine, Told

__all__ = ["told_in"]

_NOW = ("present", "unsure")


def told_in(filings: Iterable[Mapping[str, Any]]) -> Told:
    """What stands in interviews that were put into a chart, each with the interview's number.

    Args:
        filings: rows of the table `filings`, those that hold.
    """
    medicines: list[Medicine] = []
    allergies: list[Allergy] = []
    conditions: list[Condition] = []
    for filing in filings:
        number = filing["intake_id"]
        for fact in filing["facts"] or ():
            if fact["subject"] != "patient" or fact["status"] not in _NOW:
                continue
            match fact["section"]:
                case "medication" if fact["when"] != "past":
                    text = " ".join(filter(None, (fact["words"], fact["value"])))
                    medicines.append(Medicine(text, origin="told", number=number))
                case "allergies" if fact["name"] != "any":
                    allergies.append(Allergy(fact["words"], number=number))
                case "history":
                    conditions.append(Condition(fact["words"], number=number))
    return Told(tuple(medicines), tuple(allergies), tuple(conditions))

"""What came with a hook's request as a chart; of each list, whether it came whole.

A list that did not come is never taken for an empty one: what is kept here stands in for it, or it
is unknown. An empty bundle says that there is nothing; a missing key, null, an error or one page
of several say nothing of the rest.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from attenda.packs.clinic.chart import Allergy, Chart, Condition, Medicine, Part, Told
from attenda.packs.clinic.fhir_in import Record, chart_of, read_bundle

__all__ = ["PREFETCH", "chart_from", "resources_in"]

PREFETCH = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}",
    "medications": "MedicationRequest?patient={{context.patientId}}&status=active",
    "statements": "MedicationStatement?patient={{context.patientId}}&status=active",
    "allergies": "AllergyIntolerance?patient={{context.patientId}}",
    "observations": "Observation?patient={{context.patientId}}&code=2160-0,38483-4,14682-9,29463-7,"
    "3141-9,8302-2,82810-3",
}
"""Templates of what a record is asked to send along, by key."""
_KEYS: Mapping[Part, Mapping[str, str]] = {
    "medicines": {"medications": "MedicationRequest", "statements": "MedicationStatement"},
    "allergies": {"allergies": "AllergyIntolerance"},
    "conditions": {"conditions": "Condition"},
}
"""Of each list: the keys that must come for it to be whole, and what each holds."""
_HARMLESS = frozenset({"information", "success", "warning"})
_BESIDE = frozenset(
    {"Encounter", "Medication", "Organization", "Patient", "Practitioner", "PractitionerRole"}
)
"""What a search may send along without its list being the shorter for it."""
Came = Literal["whole", "part", "nothing"]


def chart_from(patient: str, request: Mapping[str, Any], kept: Chart | None) -> Chart:
    """The chart to check against: what came with a request, completed from what is kept.

    Args:
        patient: id.
        request: of a hook, with its `prefetch` where it has one.
        kept: the chart that is kept here, where there is one that may be read.
    """
    given = request.get("prefetch")
    prefetch: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    own, names = _records(prefetch.values(), patient)
    came = chart_of(patient, own, names.get(patient, ""))
    base = came if own or kept is None else kept
    types = {one.type for one in own}
    known = {part: _came(part, prefetch, patient, types) for part in _KEYS}
    if came.allergies is None:  # a bundle without an entry leaves open whether anybody asked
        known["allergies"] = "nothing"
    stands_in = frozenset(
        part
        for part, how in known.items()
        if how != "whole" and kept and getattr(kept, part) is not None
    )
    made = replace(
        base,
        medicines=_medicines(came, kept, known["medicines"]),
        allergies=_allergies(came, kept, known["allergies"]),
        conditions=_conditions(came, kept, known["conditions"]),
        ordered=kept.ordered if kept else (),
        told=kept.told if kept else Told(),
        kept=stands_in,
    )
    in_part = (
        one for one, how in known.items() if how == "part" and getattr(made, one) is not None
    )
    ours = kept.partly & stands_in if kept else frozenset()
    return replace(made, partly=frozenset(in_part) | ours)


def resources_in(values: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    """Resources, alone, in bundles or wrapped in `resource`."""
    for one in values:
        if not isinstance(one, Mapping):
            continue
        if one.get("resourceType") == "Bundle":
            yield from resources_in(_listed(one.get("entry")))
        elif "resourceType" in one:
            yield one
        elif isinstance(one.get("resource"), Mapping):
            yield from resources_in([one["resource"]])


def _records(values: Iterable[Any], patient: str) -> tuple[list[Record], dict[str, str]]:
    """Records of a patient, and names of patients by id."""
    records: list[Record] = []
    names: dict[str, str] = {}
    resources = list(resources_in(values))
    drugs = {f"Medication/{one.get('id')}": one.get("code") for one in resources
             if one["resourceType"] == "Medication"}  # fmt: skip
    for resource in resources:
        entry = {"resource": _with_its_drug(resource, drugs)}
        try:
            found = read_bundle({"resourceType": "Bundle", "entry": [entry]})
        except (AttributeError, TypeError):  # of no shape that FHIR has: it did not come
            continue
        records += found.records
        names |= found.names
    return [one for one in records if one.patient == patient], names


def _with_its_drug(resource: Mapping[str, Any], drugs: Mapping[str, Any]) -> Mapping[str, Any]:
    """A resource that points to a drug sent beside it, with that drug's names."""
    reference = resource.get("medicationReference")
    pointed = reference.get("reference") if isinstance(reference, Mapping) else None
    concept = drugs.get(str(pointed))
    if not concept or resource.get("medicationCodeableConcept"):
        return resource
    return {**resource, "medicationCodeableConcept": concept}


def _came(part: Part, prefetch: Mapping[str, Any], patient: str, types: set[str]) -> Came:
    """How far a list came; what stands under a key that nobody asked for is a part of it."""
    keys = _KEYS[part]
    states = {_bundle(prefetch.get(key), kind, patient) for key, kind in keys.items()}
    if states == {"whole"}:
        return "whole"
    return "part" if states != {"nothing"} or types & set(keys.values()) else "nothing"


def _bundle(value: Any, kind: str, patient: str) -> Came:
    """How far the answer to one search came."""
    if isinstance(value, Mapping) and isinstance(value.get("resource"), Mapping):
        value = value["resource"]  # as the oldest version wraps it
    if not isinstance(value, Mapping) or value.get("resourceType") != "Bundle":
        return "nothing"
    entries = value.get("entry", [])
    resources = list(resources_in([value]))
    read = sum(_is_read(one, kind, patient) for one in resources)
    beside = sum(_is_harmless(one) for one in resources)
    if not isinstance(entries, list) or read + beside < len(entries) or _goes_on(value, read):
        return "part" if read else "nothing"
    return "whole"


def _is_read(resource: Mapping[str, Any], kind: str, patient: str) -> bool:
    if resource.get("resourceType") != kind:
        return False
    return bool(_records([resource], patient)[0])


def _is_harmless(resource: Mapping[str, Any]) -> bool:
    """Whether something beside the entries of a list takes nothing away from it."""
    kind = resource.get("resourceType")
    if kind == "OperationOutcome":
        issues = _listed(resource.get("issue"))
        return all(isinstance(one, Mapping) and one.get("severity") in _HARMLESS for one in issues)
    return kind in _BESIDE


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _goes_on(bundle: Mapping[str, Any], read: int) -> bool:
    """Whether this is one page of several."""
    links = _listed(bundle.get("link"))
    total = bundle.get("total")
    more = any(isinstance(one, Mapping) and one.get("relation") == "next" for one in links)
    return more or (isinstance(total, int) and total > read)


def _medicines(came: Chart, kept: Chart | None, how: Came) -> tuple[Medicine, ...] | None:
    if how == "whole":
        return came.medicines or ()
    ours = (kept and kept.medicines) or ()
    said = {one.text.casefold() for one in came.medicines or ()}
    more = [replace(one, origin="kept") for one in ours if one.text.casefold() not in said]
    both = (*(came.medicines or ()), *more)
    unknown = came.medicines is None and (kept is None or kept.medicines is None)
    return None if unknown else both


def _allergies(came: Chart, kept: Chart | None, how: Came) -> tuple[Allergy, ...] | None:
    if how == "whole" or kept is None or kept.allergies is None:
        return came.allergies
    return *(came.allergies or ()), *kept.allergies


def _conditions(came: Chart, kept: Chart | None, how: Came) -> tuple[Condition, ...] | None:
    ours = kept.conditions if kept else None
    if how == "whole":
        return came.conditions
    if how == "nothing" and ours is None:
        return None
    return *(came.conditions or ()), *(ours or ())

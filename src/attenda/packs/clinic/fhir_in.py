"""FHIR R4 in: a bundle becomes records of one flat shape, and a patient's records become a chart.

Twelve kinds of resources are understood by the table `SHAPES`; any other is kept as a record that
no rule reads. What cannot be kept is rejected with its reason; nothing is guessed.
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from attenda.packs.clinic.chart import Allergy, Chart, Condition, Measure, Medicine
from attenda.packs.clinic.formulas import Sex
from attenda.packs.clinic.units import UnknownUnit, convert

__all__ = ["LOINC", "SHAPES", "Imported", "Record", "chart_of", "read_bundle", "read_resource"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a kind of resource keeps what a record needs."""

    subject: str = "subject"
    code: str = "code"
    status: str = "status"
    at: tuple[str, ...] = ()


SHAPES: Mapping[str, Shape] = {
    "Patient": Shape(subject="", code="", status="gender", at=("birthDate",)),
    "Encounter": Shape(code="type", at=("period",)),
    "Condition": Shape(status="clinicalStatus", at=("onsetDateTime", "recordedDate")),
    "AllergyIntolerance": Shape(
        subject="patient", status="clinicalStatus", at=("recordedDate", "assertedDate")
    ),
    "MedicationRequest": Shape(code="medicationCodeableConcept", at=("authoredOn",)),
    "MedicationStatement": Shape(
        code="medicationCodeableConcept", at=("effectiveDateTime", "effectivePeriod")
    ),
    "Observation": Shape(at=("effectiveDateTime", "effectivePeriod", "issued")),
    "Procedure": Shape(at=("performedDateTime", "performedPeriod")),
    "Immunization": Shape(subject="patient", code="vaccineCode", at=("occurrenceDateTime",)),
    "DiagnosticReport": Shape(at=("effectiveDateTime", "issued")),
    "CarePlan": Shape(code="category", at=("period",)),
    "FamilyMemberHistory": Shape(subject="patient", code="relationship", at=("date",)),
}
_OTHER = Shape(subject="patient", at=("created", "started", "date"))
LOINC = "http://loinc.org"
_NAMES: Mapping[str, tuple[str, str, str]] = {
    "29463-7": ("weight_kg", "weight", "kg"),
    "3141-9": ("weight_kg", "weight", "kg"),
    "8302-2": ("height_cm", "height", "cm"),
    "2160-0": ("creatinine_mg_dl", "creatinine", "mg/dL"),
    "38483-4": ("creatinine_mg_dl", "creatinine", "mg/dL"),
    "14682-9": ("creatinine_mg_dl", "creatinine", "mg/dL"),
    "8310-5": ("temperature_c", "temperature", "°C"),
    "8331-1": ("temperature_c", "temperature", "°C"),
}
"""LOINC codes of values that formulas use: name, quantity, unit."""
_NO_KNOWN_ALLERGY = frozenset({"716186003", "409137002", "no-known-allergies"})
_NO_KNOWN_MEDICINE = frozenset({"787481004", "no-known-medications"})
_NOTHING_SAID = frozenset({"no-allergy-info", "no-medication-info"})
"""Codes of entries that say that nobody knows (IPS)."""
_PREGNANT = "82810-3"
_ACTIVE = frozenset({"active", "recurrence", "relapse", "intended", "unknown", ""})
"""States in which something may hold now: what is unknown is not over."""
_NO_IDS: Mapping[str, str] = {}
_NOT_SO = frozenset({"refuted", "entered-in-error"})
"""What a record may say of an entry of its own that does not hold; then no state counts."""


@dataclass(frozen=True, slots=True)
class Record:
    """A resource as the clinic keeps it."""

    type: str
    id: str
    patient: str = ""
    status: str = ""
    text: str = ""
    system: str = ""
    code: str = ""
    at: str = ""
    value: Decimal | None = None
    unit: str = ""
    said: str = ""
    """A value in words."""
    parts: tuple[tuple[str, str, str], ...] = ()
    """Of an observation with parts, such as blood pressure: code, value, unit; else notes."""

    def as_row(self) -> dict[str, object]:
        """As a table keeps it."""
        row = {name: getattr(self, name) for name in self.__slots__}
        return row | {
            "value": None if self.value is None else str(self.value),
            "parts": [list(one) for one in self.parts],
        }


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a bundle."""

    records: tuple[Record, ...]
    rejects: tuple[tuple[str, str], ...]
    """Place and reason of what could not be kept."""
    present: int
    names: Mapping[str, str] = field(default_factory=dict)
    """Of patients, by id; kept apart from the records."""


def read_bundle(written: Mapping[str, Any]) -> Imported:
    """A FHIR bundle (R4) as records.

    Args:
        written: the bundle, or a single resource.

    Raises:
        ValueError: it is neither.
    """
    if "resourceType" not in written:
        raise ValueError("this is no FHIR resource: resourceType is missing")
    entries: Sequence[Any] = [{"resource": written}]
    if written["resourceType"] == "Bundle":
        entries = written.get("entry", [])
    names: dict[str, str] = {}
    records: list[Record] = []
    rejects: list[tuple[str, str]] = []
    ids = _ids(entries)
    for number, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        try:
            if not isinstance(resource, Mapping):
                raise ValueError("the entry has no resource")
            record = read_resource(resource, ids)
        except ValueError as error:
            rejects.append((f"entry {number}", str(error)))
            continue
        records.append(record)
        if record.type == "Patient":
            names[record.id] = _person(resource)
    return Imported(tuple(records), tuple(rejects), len(entries), names)


def _ids(entries: Sequence[Any]) -> dict[str, str]:
    """Ids of a bundle's resources by their full addresses, which references may name instead."""
    found = {}
    for one in entries:
        resource = one.get("resource") if isinstance(one, Mapping) else None
        if isinstance(resource, Mapping) and one.get("fullUrl") and resource.get("id"):
            found[str(one["fullUrl"])] = str(resource["id"])
    return found


def read_resource(written: Mapping[str, Any], ids: Mapping[str, str] = _NO_IDS) -> Record:
    """One resource as a record.

    Args:
        written: the resource.
        ids: of resources that came with it, by their full addresses.

    Raises:
        ValueError: it has no type or id, or a kind that must belong to a patient does not.
    """
    kind, id = str(written.get("resourceType", "")), str(written.get("id", ""))
    if not kind or not id:
        raise ValueError(f"{kind or 'a resource'} has no {'id' if kind else 'resourceType'}")
    shape = SHAPES.get(kind, _OTHER)
    patient = id if kind == "Patient" else _reference(written.get(shape.subject), ids)
    if kind in SHAPES and not patient:
        raise ValueError(f"{kind} {id} belongs to no patient")
    text, system, code = _coded(written.get(shape.code) or written.get("medicationReference"))
    value, unit, said = _value(written)
    return Record(
        kind, id, patient, _state(written, shape), text, system, code,
        next((_moment(written[one]) for one in shape.at if one in written), ""),
        value, unit, said, tuple(_parts(kind, written)),
    )  # fmt: skip


def chart_of(patient: str, records: Iterable[Record], name: str = "") -> Chart:
    """A patient's chart from their records; what no record says is unknown.

    Args:
        patient: id.
        records: of this patient; others are passed over.
        name: of the patient, where it is known.
    """
    own = sorted((one for one in records if one.patient == patient), key=lambda one: one.at)
    of: dict[str, list[Record]] = {}
    for one in own:
        of.setdefault(one.type, []).append(one)
    person = next(iter(of.get("Patient", ())), Record("Patient", patient))
    measures = dict(_measures(of.get("Observation", ())))
    taken = [*of.get("MedicationRequest", ()), *of.get("MedicationStatement", ())]
    return Chart(
        patient,
        name=name,
        birth_date=_day(person.at),
        sex=_sex(person.status),
        weight_kg=_newest(measures, "weight_kg"),
        height_cm=_newest(measures, "height_cm"),
        creatinine_mg_dl=_newest(measures, "creatinine_mg_dl"),
        pregnant=_pregnant(of.get("Observation", ())),
        medicines=_medicines(taken),
        allergies=_allergies(of.get("AllergyIntolerance", ())),
        conditions=tuple(
            Condition(one.text, one.code, active=one.status in _ACTIVE, onset=one.at)
            for one in of.get("Condition", ())
            if one.status not in _NOT_SO
        ),
        measures=measures,
    )


def _measures(observations: Iterable[Record]) -> Iterator[tuple[str, Measure]]:
    """The newest of each, in the unit that formulas use; one in an unknown unit is left out."""
    for one in observations:
        known = _NAMES.get(one.code)
        if known and one.value is not None:
            name, quantity, wanted = known
            try:
                yield name, Measure(name, convert(one.value, quantity, one.unit, wanted), wanted,
                                    one.at)  # fmt: skip
            except UnknownUnit:
                continue


def _newest(measures: Mapping[str, Measure], name: str) -> Decimal | None:
    return measures[name].value if name in measures else None


def _pregnant(observations: Iterable[Record]) -> bool | None:
    said = [one.said.lower() for one in observations if one.code == _PREGNANT]
    return said[-1].startswith("pregnant") if said else None


def _medicines(records: Sequence[Record]) -> tuple[Medicine, ...] | None:
    told = [one for one in records if one.code not in _NOTHING_SAID
            and one.status != "entered-in-error"]  # fmt: skip
    if not told:
        return None
    return tuple(
        Medicine(one.text or one.code or "?", one.code, active=one.status in _ACTIVE)
        for one in told
        if one.code not in _NO_KNOWN_MEDICINE
    )


def _allergies(records: Sequence[Record]) -> tuple[Allergy, ...] | None:
    records = [one for one in records if one.code not in _NOTHING_SAID
               and one.status != "entered-in-error"]  # fmt: skip
    if not records:
        return None
    return tuple(
        Allergy(one.text or one.code, one.said, _criticality(one.unit))
        for one in records
        if one.code not in _NO_KNOWN_ALLERGY and one.status in _ACTIVE
    )


def _criticality(text: str) -> Literal["low", "high", "unable-to-assess"]:
    return "high" if text == "high" else "low" if text == "low" else "unable-to-assess"


def _coded(written: Any) -> tuple[str, str, str]:
    """Words, system and code of a concept, of the first of several, or of a reference."""
    if isinstance(written, Sequence) and not isinstance(written, str):
        written = written[0] if written else None
    if not isinstance(written, Mapping):
        return "", "", ""
    coding: Mapping[str, Any] = next(iter(written.get("coding", ())), {})
    text = written.get("text") or coding.get("display") or written.get("display", "")
    return str(text), str(coding.get("system", "")), str(coding.get("code", ""))


def _status(written: Any) -> str:
    return written if isinstance(written, str) else _coded(written)[2]


def _state(written: Mapping[str, Any], shape: Shape) -> str:
    verified = _status(written.get("verificationStatus"))
    return verified if verified in _NOT_SO else _status(written.get(shape.status))


def _reference(written: Any, ids: Mapping[str, str]) -> str:
    """The id that a reference names: by an address in the bundle, else the end of `Patient/1`."""
    said = str(written.get("reference", "")) if isinstance(written, Mapping) else ""
    return ids[said] if said in ids else said.removeprefix("urn:uuid:").rpartition("/")[2]


def _moment(written: Any) -> str:
    return str(written.get("start", "")) if isinstance(written, Mapping) else str(written)


def _value(written: Mapping[str, Any]) -> tuple[Decimal | None, str, str]:
    """Value, unit and words of an observation; of an allergy, its criticality and reaction."""
    if written.get("resourceType") == "AllergyIntolerance":
        reactions = [
            _coded(shown)[0]
            for one in written.get("reaction", ())
            for shown in one.get("manifestation", ())
        ]
        return None, str(written.get("criticality", "")), ", ".join(filter(None, reactions))
    quantity = written.get("valueQuantity")
    if isinstance(quantity, Mapping):
        return _decimal(quantity.get("value")), _unit(quantity), ""
    for name in ("valueInteger", "valueDecimal"):
        if name in written:
            return _decimal(written[name]), "", ""
    if "valueCodeableConcept" in written:
        return None, "", _coded(written["valueCodeableConcept"])[0]
    return None, "", str(written.get("valueString", ""))


def _unit(quantity: Mapping[str, Any]) -> str:
    return str(quantity.get("code") or quantity.get("unit", ""))


def _parts(kind: str, written: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if kind == "Observation":
        for one in written.get("component", ()):
            value, unit, said = _value(one)
            text, _, code = _coded(one.get("code"))
            yield code or text, said if value is None else str(value), unit
    elif kind == "FamilyMemberHistory":
        for one in written.get("condition", ()):
            yield _coded(one.get("code"))[2], _coded(one.get("code"))[0], ""
    elif kind in ("MedicationRequest", "MedicationStatement"):
        for one in written.get("dosageInstruction") or written.get("dosage") or ():
            yield "dose", str(one.get("text", "")), ""


def _decimal(written: object) -> Decimal | None:
    try:
        return None if written is None else Decimal(str(written))
    except InvalidOperation:
        return None


def _person(written: Mapping[str, Any]) -> str:
    one: Mapping[str, Any] = next(iter(written.get("name", ())), {})
    return str(one.get("text") or " ".join([*one.get("given", ()), one.get("family", "")]).strip())


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text[:10])
    except ValueError:
        return None


def _sex(text: str) -> Sex | None:
    return "female" if text == "female" else "male" if text == "male" else None

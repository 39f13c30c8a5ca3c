"""Sample patients of the clinic: twelve invented people, so that every check has its case."""

from collections.abc import Mapping, Sequence

__all__ = ["SAMPLES"]

Row = Mapping[str, object]

_PATIENTS: Sequence[tuple[object, ...]] = (
    # id, name, born, sex, kg, cm, creatinine mg/dL, pregnant, history asked, sealed
    ("P-101", "Rosa Alves", "1962-04-11", "female", "70", "164", "0.9", False, True, False),
    ("P-102", "John Marsh", "1985-09-02", "male", "82", "181", "1.0", None, True, False),
    ("P-103", "Edith Brandt", "1947-06-20", "female", "52", "158", "1.6", False, True, False),
    ("P-104", "Margit Olsen", "1955-01-15", "female", "74", "166", "2.1", False, True, False),
    ("P-105", "王秀英", "1958-12-03", "female", "61", "160", "0.8", False, True, False),
    ("P-106", "Amara Obi", "1996-02-27", "female", "64", "169", "0.7", True, True, False),
    ("P-107", "Luis Ferrer", "1979-07-19", "male", "95", "176", "1.1", None, True, False),
    ("P-108", "李建国", "1950-03-30", "male", "66", "170", None, None, True, False),
    ("P-109", "Nora Lind", "1990-11-08", "female", None, None, "0.8", None, False, False),
    ("P-110", "Samuel Katz", "1944-08-25", "male", "71", "172", "1.9", None, True, False),
    ("P-111", "Ines Duval", "2015-05-05", "female", "34", "140", None, False, True, False),
    ("P-112", "Tomas Nemec", "1972-10-10", "male", "88", "184", "1.0", None, True, True),
)
_MEDICINES: Mapping[str, Sequence[str]] = {
    "P-101": ("Warfarin 5 mg tablet",),
    "P-103": ("Amlodipine 5 mg", "Simvastatin 20 mg"),
    "P-104": ("Metformin 500 mg", "Ramipril 5 mg"),
    "P-105": ("氨氯地平片", "阿托伐他汀钙片"),
    "P-107": ("Bisoprolol 5 mg", "Isosorbide mononitrate 30 mg"),
    "P-108": ("地高辛", "呋塞米"),
    "P-110": ("Apixaban 5 mg", "Spironolactone 25 mg", "Enalapril 10 mg"),
    "P-112": ("Lithium carbonate 400 mg",),
}
_ALLERGIES: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "P-102": (("Penicillin", "anaphylaxis", "high"),),
    "P-105": (("磺胺", "皮疹", "low"),),
    "P-107": (("Aspirin", "wheeze", "high"),),
}
_CONDITIONS: Mapping[str, Sequence[str]] = {
    "P-101": ("Atrial fibrillation",),
    "P-103": ("Hypertension",),
    "P-104": ("Type 2 diabetes", "Chronic kidney disease"),
    "P-105": ("高血压",),
    "P-107": ("Coronary artery disease", "Asthma"),
    "P-108": ("心力衰竭",),
    "P-110": ("Heart failure", "Atrial fibrillation"),
    "P-112": ("Bipolar disorder",),
}
_COLUMNS = (
    "id", "name", "birth_date", "sex", "weight_kg", "height_cm", "creatinine_mg_dl", "pregnant",
    "allergies_asked", "sealed",
)  # fmt: skip


def _medicines() -> list[Row]:
    return [
        {"id": f"{patient}-M{number}", "patient_id": patient, "text": text, "active": True}
        for patient, texts in _MEDICINES.items()
        for number, text in enumerate(texts, 1)
    ]


def _allergies() -> list[Row]:
    return [
        {"id": f"{patient}-A{number}", "patient_id": patient, "substance": one[0],
         "reaction": one[1], "criticality": one[2]}
        for patient, all_ in _ALLERGIES.items()
        for number, one in enumerate(all_, 1)
    ]  # fmt: skip


def _conditions() -> list[Row]:
    return [
        {"id": f"{patient}-C{number}", "patient_id": patient, "text": text, "active": True}
        for patient, texts in _CONDITIONS.items()
        for number, text in enumerate(texts, 1)
    ]


_OBSERVATIONS = (
    {"id": "P-104-O1", "patient_id": "P-104", "name": "Body temperature", "value": "36.7",
     "unit": "Cel", "at": "2026-11-09T08:00:00Z"},
    {"id": "P-110-O1", "patient_id": "P-110", "name": "Body temperature", "value": "38.4",
     "unit": "Cel", "at": "2026-11-09T08:30:00Z"},
)  # fmt: skip


SAMPLES: Mapping[str, Sequence[Row]] = {
    "patients": [
        {**dict(zip(_COLUMNS, one, strict=True)), "medicines_asked": one[8]} for one in _PATIENTS
    ],
    "medicines": _medicines(),
    "allergies": _allergies(),
    "conditions": _conditions(),
    "observations": _OBSERVATIONS,
}

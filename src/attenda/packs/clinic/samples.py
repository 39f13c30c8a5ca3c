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


_OBSERVED: Mapping[str, tuple[str, str]] = {
    "8480-6": ("Systolic blood pressure", "mm[Hg]"),
    "8462-4": ("Diastolic blood pressure", "mm[Hg]"),
    "8867-4": ("Heart rate", "/min"), "59408-5": ("Oxygen saturation", "%"),
    "9279-1": ("Respiratory rate", "/min"), "8310-5": ("Body temperature", "Cel"),
    "29463-7": ("Body weight", "kg"), "2160-0": ("Creatinine", "mg/dL"),
    "4548-4": ("Hemoglobin A1c", "%"), "2823-3": ("Potassium", "mmol/L"),
}  # fmt: skip
_QUARTERS = ("2024-11-04", "2025-02-03", "2025-05-05", "2025-08-04", "2025-11-03", "2026-02-02",
             "2026-05-04", "2026-08-03", "2026-11-09")  # fmt: skip
_ROUNDS = ("2026-11-07T20:00:00Z", "2026-11-08T02:00:00Z", "2026-11-08T08:00:00Z",
           "2026-11-08T14:00:00Z", "2026-11-08T20:00:00Z", "2026-11-09T02:00:00Z",
           "2026-11-09T08:30:00Z")  # fmt: skip
_MEASURED: Mapping[str, Sequence[tuple[str, Sequence[str], str]]] = {
    # code, times, values
    "P-104": (
        ("2160-0", _QUARTERS, "1.3 1.4 1.4 1.5 1.6 1.7 1.8 2.0 2.1"),
        ("4548-4", _QUARTERS, "7.1 7.3 7.2 7.6 7.9 7.8 8.1 8.0 8.3"),
        ("2823-3", _QUARTERS, "4.4 4.5 4.4 4.7 4.6 4.9 4.8 5.1 5.2"),
        ("8480-6", _QUARTERS, "138 142 136 145 148 144 151 149 152"),
        ("8462-4", _QUARTERS, "82 84 80 86 88 85 90 87 89"),
        ("29463-7", _QUARTERS, "79 78.5 78 77 76.4 75.8 75 74.6 74"),
        ("8310-5", ("2026-11-09T08:00:00Z",), "36.7"),
    ),
    "P-110": (
        ("8310-5", _ROUNDS, "36.9 37.2 37.6 37.9 38.1 38.5 38.4"),
        ("8867-4", _ROUNDS, "84 88 92 96 101 108 104"),
        ("9279-1", _ROUNDS, "16 17 18 20 21 24 23"),
        ("59408-5", _ROUNDS, "96 95 95 94 93 92 93"),
        ("8480-6", _ROUNDS, "132 128 126 121 118 108 112"),
        ("8462-4", _ROUNDS, "78 76 74 72 70 64 66"),
        ("2160-0", ("2025-06-10", "2025-12-09", "2026-06-09", "2026-11-09"), "1.4 1.5 1.7 1.9"),
    ),
    "P-103": (
        ("2160-0", ("2024-10-01", "2025-10-07", "2026-10-06"), "1.3 1.4 1.6"),
        ("8480-6", ("2025-10-07", "2026-04-07", "2026-10-06"), "156 149 141"),
        ("8462-4", ("2025-10-07", "2026-04-07", "2026-10-06"), "88 84 80"),
    ),
}  # fmt: skip


def _observations() -> list[Row]:
    """What was measured, number by number; the newest creatinine and weight are the chart's."""
    return [
        {"id": f"{patient}-{code}-{number}", "patient_id": patient, "name": _OBSERVED[code][0],
         "code": code, "value": value, "unit": _OBSERVED[code][1], "at": at}
        for patient, all_ in _MEASURED.items()
        for code, times, values in all_
        for number, (at, value) in enumerate(zip(times, values.split(), strict=True), 1)
    ]  # fmt: skip


SAMPLES: Mapping[str, Sequence[Row]] = {
    "patients": [
        {**dict(zip(_COLUMNS, one, strict=True)), "medicines_asked": one[8]} for one in _PATIENTS
    ],
    "medicines": _medicines(),
    "allergies": _allergies(),
    "conditions": _conditions(),
    "observations": _observations(),
}

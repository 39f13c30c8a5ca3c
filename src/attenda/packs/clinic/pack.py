"""Clinic: assistance for clinicians: interview, scores, checks of orders, notes; options alone.

What it may do stands here as tools, what it keeps in `tables`; when it does what, in `flows/`; what
it may do at all, in `policy.toml`.
"""

from pathlib import Path

from attenda.api import Pack, SilenceTimes
from attenda.packs.clinic.alarm import look_first, raise_alarm
from attenda.packs.clinic.asking import ask_item, reckon_findings
from attenda.packs.clinic.drafting import draft_note, weigh
from attenda.packs.clinic.ending import change_order, end_order, withdraw_order
from attenda.packs.clinic.filing import file_intake, withdraw_filing
from attenda.packs.clinic.intake import begin_intake, hear
from attenda.packs.clinic.intake_pages import settle
from attenda.packs.clinic.opening import CATALOGUES
from attenda.packs.clinic.ordering import draft_order, look_at_order, open_chart, sign_order
from attenda.packs.clinic.pack_faults import faults
from attenda.packs.clinic.pages import SCREENS
from attenda.packs.clinic.questionnaire_files import use_questionnaire
from attenda.packs.clinic.samples import SAMPLES
from attenda.packs.clinic.scoring import reckon
from attenda.packs.clinic.sealed import break_glass, note_look
from attenda.packs.clinic.tables import TABLES
from attenda.packs.clinic.taking_over import give_fact_back, take_fact
from attenda.packs.clinic.ways_in import ENDPOINTS, IMPORTERS, keep_cards, keep_feedback

__all__ = ["PACK"]

PACK = Pack(
    name="clinic",
    title={"en": "Clinic", "zh-CN": "诊所"},
    folder=Path(__file__).parent,
    notice={
        "en": "Unreviewed sample knowledge, not a medical device. Options for a clinician, who "
        "decides; no diagnosis, no orders. In an emergency call for help now.",
        "zh-CN": "未经审核的示例知识，不是医疗器械。仅供医生参考，由医生决定；不作诊断，不下医嘱。"
        "紧急情况请立即求助。",
    },
    tools=(
        begin_intake, hear, raise_alarm, reckon, ask_item, reckon_findings, open_chart, break_glass,
        note_look, draft_order, look_at_order, sign_order, change_order, withdraw_order, end_order,
        weigh, draft_note, file_intake, withdraw_filing, take_fact, give_fact_back,
        use_questionnaire,
        keep_cards, keep_feedback, settle,
    ),
    tables=TABLES,
    samples=SAMPLES,
    first=look_first,
    alarms=("alarm",),
    catalogues=CATALOGUES,
    screens=SCREENS,
    endpoints=ENDPOINTS,
    importers=IMPORTERS,
    silence=SilenceTimes.of("30m", end="8h"),
    faults=faults,
)  # fmt: skip

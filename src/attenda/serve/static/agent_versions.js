// An agent's draft and its published versions: what differs, who published what, one click back.

import { $, api, attempt, el, t, toast, when } from "/static/core.js";
import { badge } from "/static/parts.js";

const named = (fields) => fields.map((name) => t(`field_${name}`)).join(", ");

/** Which flows and tools were added and taken away, a line for each kind. */
function lost(changes) {
  const names = { flows: t("field_flows"), tools: t("field_tools") };
  const told = ({ added, removed }) => [added.length && t("version_added", { names: added.join(", ") }), removed.length && t("version_removed", { names: removed.join(", ") })].filter(Boolean).join(" · ");
  return Object.entries(changes ?? {}).filter(([, one]) => told(one)).map(([kind, one]) => el("span", { class: "faint change" }, `${names[kind]}: ${told(one)}`));
}

/** The agent as its editor shows it, with its draft's fields. */
export const readDraft = (id) => api("GET", `/api/agents/${id}/draft`);

/** Show what is not published, and the versions; `changed` is called when another one is. */
export async function showVersions(id, changed) {
  const found = id && (await attempt(() => Promise.all([readDraft(id), api("GET", `/api/agents/${id}/versions`)])));
  const [state, versions] = found || [null, []];
  const open = state && (state.version === 0 || state.unpublished.length > 0);
  $("#draft-state").textContent = !state ? "" : !open ? t("draft_same") : state.version ? t("draft_differs", { fields: named(state.unpublished) }) : t("draft_new");
  $("#draft-state").append(...lost(state?.changes));
  $("#choice-faults").hidden = !state?.faults.length;
  $("#choice-faults").replaceChildren(...(state?.faults ?? []).map((one) => el("li", {}, one)));
  $("#publish").disabled = Boolean(state) && !open;
  $("#discard").hidden = !(state?.version && open);
  $("#versions-box").hidden = !versions.length;
  $("#versions").replaceChildren(...versions.map((one, place) => row(id, one, place === 0, changed)));
}

function row(id, one, isNow, changed) {
  const what = one.changed.length ? t("version_changed", { fields: named(one.changed) }) : t("version_first");
  const back = one.restores ? t("version_restores", { n: one.restores }) : "";
  return el("li", { class: "item" },
    el("div", { class: "line" }, el("strong", { class: "name" }, t("version_n", { n: one.number })), isNow && badge(t("version_now"), "good")),
    el("p", { class: "faint" }, t("version_by", { name: one.by || t("nameless"), when: when(one.published_at) })),
    el("p", {}, [back, what].filter(Boolean).join(" · ")), ...lost(one.changes),
    !isNow && el("div", { class: "buttons" }, el("button", { type: "button", "aria-label": `${t("roll_back")}: ${t("version_n", { n: one.number })}`, onclick: () => rollBack(id, one.number, changed) }, t("roll_back"))));
}

async function rollBack(id, number, changed) {
  const made = await attempt(() => api("POST", `/api/agents/${id}/versions/${number}/restore`));
  if (!made) return;
  toast(t("published_n", { n: made.version }));
  changed();
}

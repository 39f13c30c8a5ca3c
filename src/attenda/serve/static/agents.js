// The agents: a list of them, and an editor with a trial beside it.

import { canBegin, chooseFor, chosenNow, showChoice } from "/static/agent_choice.js";
import { readDraft, showVersions } from "/static/agent_versions.js";
import { $, api, attempt, el, t, toast } from "/static/core.js";
import { badge, facts, fill, may, onSubmit } from "/static/parts.js";
import { closeSource } from "/static/source.js";
import { clearTrial, tellAgent } from "/static/trial.js";

const editor = $("#editor");
const fields = editor.elements;
let agent = null; // the agent that is edited; null while it is new
let shelves = [];
let models = [];
let packs = [];
let packShown = ""; // whose flows and tools stand there to be chosen

// --- the list

let asked = 0; // the newest look at the list; an older one that comes later is not shown

async function list() {
  const mine = ++asked;
  const found = await attempt(() => Promise.all(["/api/agents", "/api/collections", "/api/models", "/api/packs"].map((path) => api("GET", path))));
  if (!found || mine !== asked) return;
  [, shelves, models, packs] = found;
  fill($("#agents"), found[0].map(row), t(may("manage_agents") ? "no_agents" : "no_agents_yet"));
}

function row(one) {
  const label = (word) => `${t(word)}: ${one.name}`;
  const button = (word, onclick, kind = "") => el("button", { type: "button", class: kind, "aria-label": label(word), onclick }, t(word));
  const buttons = [may("chat") && one.draft !== "new" && button("talk", () => talk(one), "primary")];
  if (may("manage_agents")) buttons.push(button("edit", () => edit(one)), button("delete", () => remove(one)));
  const named = one.collection_ids?.map((id) => shelves.find((shelf) => shelf.id === id)?.name ?? t("gone")).join(", ");
  return el("li", { class: "item" },
    el("div", { class: "line" }, el("strong", { class: "name" }, one.name), badge(t(one.team_id ? "for_everyone" : "for_me")), one.draft && badge(t(`draft_${one.draft}`)), one.faults?.length > 0 && badge(t("choose_faults"), "failed")),
    one.instructions && el("p", { class: "clip" }, one.instructions),
    facts([[t("tone"), one.tone], [t("model"), one.model || t("default_model")], [t("pack"), one.pack && packTitle(one.pack)], [t("mode"), one.mode === "loop" && t("mode_loop")], [t("field_flows"), one.pack && someOf(one.flows)], [t("field_tools"), one.pack && someOf(one.tools)], [t("documents"), one.collection_ids ? named || t("none") : t("all_documents")]]),
    el("div", { class: "buttons" }, buttons));
}

const someOf = (names) => names && t("choose_some_of", { n: names.length });

const packTitle = (name) => packs.find((pack) => pack.name === name)?.title ?? t("gone");

async function talk(one) {
  const made = await attempt(() => api("POST", "/api/sessions", { agent_id: one.id }));
  if (made) location.assign(`/chat/${made.id}`);
}

async function remove(one) {
  if ((await attempt(() => api("DELETE", `/api/agents/${one.id}`))) === undefined) return;
  toast(t("agent_deleted", { name: one.name }), { undo: () => attempt(() => api("POST", `/api/agents/${one.id}/restore`)).then(list) });
  list();
}

// --- the editor

/** Show an agent's draft in the form. */
async function edit(row) {
  await listed; // what there is to choose from
  const state = row && (await attempt(() => readDraft(row.id)));
  if (row && !state) return;
  agent = row && { ...row, ...state.fields, team_id: state.shares };
  showForm(agent);
  await showVersions(agent?.id, () => edit(row));
}

function showForm(one) {
  editor.reset();
  clearTrial();
  if (one) for (const name of ["name", "tone", "instructions"]) fields[name].value = one[name];
  fields.scope.value = one?.collection_ids ? "some" : "all";
  fields.shared.value = one && !one.team_id ? "no" : "yes";
  for (const choice of fields.shared) choice.disabled = Boolean(one); // the server keeps it as it was made
  $("#shared-hint").hidden = !one;
  $("#editor-title").textContent = one?.name ?? t("new_agent");
  $("#collections").replaceChildren(...choices(one?.collection_ids ?? []));
  fields.model.replaceChildren(...options(one?.model ?? ""));
  fields.pack.replaceChildren(...packOptions(one?.pack ?? ""));
  $("#pack-choice").hidden = !packs.length;
  fields.mode.value = one?.mode ?? "flows";
  packShown = fields.pack.value;
  showScope();
  showAbilities(one);
  swap(true);
  fields.name.focus();
}

function swap(editing) {
  $("#list-view").hidden = editing;
  $("#edit-view").hidden = !editing;
}

function choices(chosen) {
  const boxes = shelves.map((shelf) => el("label", { class: "choice" }, el("input", { type: "checkbox", name: "collection", value: shelf.id, checked: chosen.includes(shelf.id) }), shelf.name));
  return boxes.length ? boxes : [el("p", { class: "faint" }, t("no_collections"))];
}

function options(chosen) {
  const chats = models.filter((one) => one.kind === "chat" && one.here);
  const rows = chats.map((one) => el("option", { value: one.name, selected: one.name === chosen }, one.title));
  if (chosen && !chats.some((one) => one.name === chosen)) rows.push(el("option", { value: chosen, selected: true }, `${chosen} (${t("not_here")})`));
  return [el("option", { value: "" }, t("default_model")), ...rows];
}

function packOptions(chosen) {
  const rows = packs.map((pack) => el("option", { value: pack.name, selected: pack.name === chosen }, pack.title));
  if (chosen && !packs.some((pack) => pack.name === chosen)) rows.push(el("option", { value: chosen, selected: true }, `${chosen} (${t("not_here")})`));
  return [el("option", { value: "" }, t("no_pack")), ...rows];
}

function showScope() {
  $("#collections").hidden = fields.scope.value === "all";
  chooseFor(fields.mode.value);
  if (fields.pack.value !== packShown) {
    packShown = fields.pack.value;
    showAbilities(null); // of another pack it has all
  }
  showMode();
}

const showAbilities = (chosen) => showChoice(packs.some((one) => one.name === packShown) ? packShown : "", chosen, showHint);

function showHint() {
  const flows = fields.mode.value === "flows" ? canBegin() : [];
  $("#pack-hint").textContent = flows.length ? t("pack_can", { flows: flows.join(" · ") }) : "";
}

/** Only a model that is able chooses tools; what was chosen before stays in sight. */
function showMode() {
  const model = models.find((one) => (fields.model.value ? one.name === fields.model.value : one.default && one.kind === "chat"));
  const able = Boolean(model?.tools);
  const [, loop] = fields.mode;
  loop.disabled = !able && fields.mode.value !== "loop";
  $("#mode-hint").textContent = t(able ? "mode_more" : "mode_unable");
}

/** Save what stands in the form; a new agent becomes the one that is edited. */
async function save() {
  const ticked = [...editor.querySelectorAll("[name=collection]:checked")].map((box) => box.value);
  const body = { name: fields.name.value.trim(), tone: fields.tone.value.trim(), instructions: fields.instructions.value, model: fields.model.value, pack: fields.pack.value, mode: fields.mode.value, ...chosenNow(), collection_ids: fields.scope.value === "all" ? null : ticked };
  if (agent) await api("PUT", `/api/agents/${agent.id}/draft`, body);
  else {
    const shared = fields.shared.value === "yes";
    const made = await api("POST", "/api/agents", { ...body, shared, draft: true });
    agent = { ...made, team_id: shared };
    for (const choice of fields.shared) choice.disabled = true;
    $("#shared-hint").hidden = false;
  }
  $("#editor-title").textContent = body.name;
  await showVersions(agent.id, () => edit(agent));
  list();
}

async function publish() {
  if (!editor.reportValidity()) return;
  await save();
  const made = await api("POST", `/api/agents/${agent.id}/publish`);
  toast(t("published_n", { n: made.version }));
  await showVersions(agent.id, () => edit(agent));
  list();
}

async function discard() {
  await api("DELETE", `/api/agents/${agent.id}/draft`);
  await edit(agent);
}

function back() {
  clearTrial();
  swap(false);
  list();
  $("#new-agent")?.focus();
}

onSubmit(editor, async () => {
  await save();
  toast(t("draft_saved"));
});
onSubmit($("#trial"), async () => {
  const text = $("#question").value.trim();
  if (!text || !editor.reportValidity()) return;
  await save();
  await tellAgent(agent.id, `${fields.pack.value} ${fields.mode.value} ${JSON.stringify(chosenNow())}`, text);
});
for (const number of [1, 2, 3, 4]) {
  const tone = t(`tone_${number}`);
  $("#tones").append(el("button", { type: "button", onclick: () => { fields.tone.value = tone; fields.tone.focus(); } }, tone));
}
editor.addEventListener("change", showScope);
editor.addEventListener("input", () => { $("#publish").disabled = false; }); // what is typed is saved first
$("#publish").addEventListener("click", () => attempt(publish));
$("#discard").addEventListener("click", () => attempt(discard));
$("#new-agent")?.addEventListener("click", () => edit(null));
$("#back").addEventListener("click", back);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeSource(); });
const listed = list();

// The first run: an administrator, the models, a sample to ask; each step can wait.

import { $, api, attempt, el, t, toast } from "/static/core.js";
import { showModels } from "/static/model_row.js";
import { onSubmit } from "/static/parts.js";

const SAMPLE = "handbook.md";
const SHELF = "Samples";
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// --- the administrator

function done(sentence) {
  $("#set-up").replaceWith(el("p", { class: "good", tabindex: "-1", id: "owner-done" }, sentence));
  $("#owner-done").focus();
}

onSubmit($("#set-up"), async (fields) => {
  const body = { name: fields.name.value, email: fields.email.value, password: fields.password.value };
  await api("POST", "/api/setup", body);
  $(".person").textContent = body.name;
  done(t("step_owner_done"));
});
$("#later")?.addEventListener("click", () => done(t("step_owner_later")));

// --- the sample

/** The sample's document, if it is among the living ones. */
async function find() {
  const [shelves, { documents }] = await Promise.all([api("GET", "/api/collections"), api("GET", "/api/documents?limit=2000")]);
  const ids = new Set(shelves.filter((one) => one.name === SHELF).map((one) => one.id));
  return documents.find((one) => one.name === SAMPLE && ids.has(one.collection_id));
}

async function show(note) {
  const found = await attempt(find);
  const add = () => el("button", { id: "sample-do", class: "primary", type: "button", onclick: addSample }, t("sample_add"));
  const remove = () => el("button", { id: "sample-do", type: "button", onclick: () => removeSample(found) }, t("sample_remove"));
  const questions = [1, 2, 3].map((n) => el("button", { type: "button", class: "starter", onclick: () => ask(t(`sample_question_${n}`)) }, t(`sample_question_${n}`)));
  const rows = found?.state === "ready" ? [el("p", { class: "good" }, t("sample_here")), el("div", { class: "starters" }, questions)] : [];
  if (found?.state === "failed") rows.push(el("p", { class: "bad" }, found.reason));
  const focused = $("#sample").contains(document.activeElement) || note;
  $("#sample").replaceChildren(...rows, el("div", { class: "buttons" }, found ? remove() : add()));
  if (focused) $("#sample-do").focus();
}

async function addSample() {
  const bar = el("progress", { "aria-label": t("sample_add") });
  const state = el("span", { class: "faint" }, t("uploading"));
  $("#sample").replaceChildren(el("p", { class: "line" }, bar, state));
  await attempt(async () => {
    const form = new FormData();
    form.append("files", await file(), SAMPLE);
    const [row] = await api("POST", `/api/documents?collection=${SHELF}`, form);
    if (row.outcome === "refused") throw new Error(row.error.message);
    for (;;) {
      const now = await api("GET", `/api/documents/${row.document_id}/state`);
      if (now.state === "ready" || now.state === "failed") return;
      if (now.total) { bar.max = now.total; bar.value = now.done; }
      state.textContent = t(`state_${now.state}`);
      await sleep(200);
    }
  });
  show(true);
}

/** The handbook in the reader's language. */
async function file() {
  const chinese = document.documentElement.lang === "zh-CN";
  const response = await fetch(`/static/samples/${chinese ? "handbook.zh-CN.md" : SAMPLE}`);
  if (!response.ok) throw new Error(t("server_gone"));
  return response.blob();
}

async function removeSample(row) {
  if ((await attempt(() => api("DELETE", `/api/documents/${row.id}`))) === undefined) return;
  toast(t("sample_removed"), { undo: () => attempt(() => api("POST", `/api/documents/${row.id}/restore`)).then(() => show(true)) });
  show(true);
}

/** Ask at once, and follow the answer in the chat. */
async function ask(text) {
  await attempt(async () => {
    const session = await api("POST", "/api/sessions");
    await api("POST", `/api/sessions/${session.id}/messages`, { text });
    location.assign(`/chat/${session.id}`);
  });
}

showModels((one) => one.default || one.pulling || one.error || one.here);
show();

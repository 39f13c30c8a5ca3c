// What is remembered of me: each fact with the message I told it in; put in other words, forgotten.

import { $, api, attempt, el, t, toast, when } from "/static/core.js";
import { badge, confirmed, fill } from "/static/parts.js";

let known = 0;

async function list() {
  const found = await attempt(() => api("GET", "/api/memory"));
  if (!found) return;
  known = found.length;
  fill($("#facts"), found.map(row), t("memory_empty"));
  $("#forget-all").hidden = !known;
}

function row(fact) {
  const trusted = fact.label.integrity !== "untrusted";
  const about = fact.name ? t("memory_slot", { name: fact.name.replaceAll("_", " ") }) : t("memory_asked");
  const item = el("li", { class: "item" },
    el("p", { class: "plain" }, el("strong", { class: "name" }, fact.text)),
    el("div", { class: "line" }, el("span", { class: "faint" }, about), !trusted && badge(t("memory_untrusted"), "failed")),
    el("p", { class: "faint clip" }, t("memory_source", { when: when(fact.created_at), text: fact.said })),
    el("p", {}, el("a", { href: `/chat/${fact.session_id}`, "aria-label": `${t("memory_open")}: ${fact.text}` }, t("memory_open"))),
    el("div", { class: "buttons" },
      el("button", { type: "button", id: `edit-${fact.id}`, "aria-label": `${t("edit")}: ${fact.text}`, onclick: () => edit(fact, item) }, t("edit")),
      el("button", { type: "button", "aria-label": `${t("forget")}: ${fact.text}`, onclick: () => forget(fact) }, t("forget"))));
  return item;
}

/** A form in the place of the fact; Escape leaves it as it was. */
function edit(fact, item) {
  const field = el("input", { value: fact.text, maxlength: 500, required: true, "aria-label": t("memory_field") });
  const back = async () => { await list(); document.getElementById(`edit-${fact.id}`)?.focus(); };
  const form = el("form", { class: "bench" }, field, el("button", { class: "primary" }, t("save")), el("button", { type: "button", onclick: back }, t("cancel")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if ((await attempt(() => api("PATCH", `/api/memory/${fact.id}`, { text: field.value }))) !== undefined) back();
  });
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") back(); });
  item.replaceChildren(form);
  field.focus();
}

async function forget(fact) {
  if ((await attempt(() => api("DELETE", `/api/memory/${fact.id}`))) === undefined) return;
  toast(t("forgotten"));
  await list();
  ($("#facts button") ?? $("#main")).focus();
}

$("#forget-all").addEventListener("click", async () => {
  const sure = await confirmed({ title: t("forget_all"), text: t("forget_all_more", { n: known }), label: t("forget_all") });
  if (!sure || (await attempt(() => api("DELETE", "/api/memory"))) === undefined) return;
  await list();
  $("#main").focus();
});
list();

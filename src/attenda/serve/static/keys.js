// My keys: made with a name, limits and an end; the secret is shown once; ended at once.

import { showMine } from "/static/consent.js";
import { $, api, attempt, el, t, toast } from "/static/core.js";
import { badge, confirmed, day, facts, fill, may, onSubmit, toCopy } from "/static/parts.js";

const ACTIONS = ["chat", "add_documents", "desk", "approve", "manage_agents", "manage_people", "manage_models", "operate"].filter(may);
const form = $("#new-key");

export async function showKeys() {
  showMine();
  const keys = await attempt(() => api("GET", "/api/keys"));
  if (keys) fill($("#keys"), keys.map(row), t("no_keys"));
}

function row(key) {
  const ended = key.revoked_at ? "revoked" : key.expires_at && key.expires_at < Date.now() * 1000 ? "expired" : "";
  const limits = key.scopes ? key.scopes.map((scope) => t(`scope_${scope}`)).join(", ") || t("key_reads") : t("key_all");
  const revoke = el("button", { type: "button", id: `revoke-${key.id}`, "aria-label": `${t("revoke")}: ${key.name}`, onclick: () => end(key) }, t("revoke"));
  return el("li", { class: "item" },
    el("div", { class: "line" }, el("strong", { class: "name" }, key.name), badge(t(ended || "valid"), ended ? "failed" : "good"), !ended && revoke),
    facts([[t("key_may"), limits], [t("made"), day(key.created_at)], [t("ends"), key.expires_at ? day(key.expires_at) : t("never")]]));
}

async function end(key) {
  const sure = await confirmed({ title: t("revoke_title", { name: key.name }), text: t("revoke_more"), label: t("revoke") });
  if (!sure || (await attempt(() => api("DELETE", `/api/keys/${key.id}`))) === undefined) return;
  toast(t("key_revoked", { name: key.name }));
  showKeys();
}

onSubmit(form, async (fields) => {
  const scopes = fields.limit.value === "all" ? null : [...form.querySelectorAll("[name=scope]:checked")].map((box) => box.value);
  const made = await api("POST", "/api/keys", { name: fields.name.value, scopes, days: fields.days.value ? Number(fields.days.value) : null });
  $("#secret").replaceChildren(toCopy(t("key_made", { name: fields.name.value }), made.secret, t("key_once")));
  fields.name.value = "";
  await showKeys();
});
form.addEventListener("change", () => { $("#scopes").hidden = form.elements.limit.value === "all"; });
form.querySelector("fieldset").hidden = !ACTIONS.length; // a viewer's key reads and no more
$("#scopes").append(...ACTIONS.map((action) => el("label", { class: "choice" }, el("input", { type: "checkbox", name: "scope", value: action }), t(`scope_${action}`))));

// The audit log, newest first, and whether its chain of hashes is whole.

import { $, api, attempt, el, t } from "/static/core.js";
import { fill, moment } from "/static/parts.js";

const PAGE = 100;
let oldest; // number of the last row shown
let names = new Map(); // of users, by id

export async function showAudit() {
  const found = await load();
  if (!found) return;
  const chain = $("#chain");
  chain.textContent = found.broken_at == null ? t("chain_whole") : t("chain_broken", { n: found.broken_at });
  chain.className = `state ${found.broken_at == null ? "good" : "failed"}`;
  fill($("#audit"), found.rows.map(row), t("audit_empty"));
}

async function load(before) {
  const answers = await attempt(() => Promise.all([
    api("GET", `/api/audit?limit=${PAGE}${before ? `&before=${before}` : ""}`),
    api("GET", "/api/users"),
  ]));
  if (!answers) return undefined;
  const [found, users] = answers;
  names = new Map(users.map((user) => [user.id, user.name || user.email || t("nameless")]));
  oldest = found.rows.at(-1)?.number;
  $("#older").hidden = found.rows.length < PAGE;
  return found;
}

/** A deed in words; one that has none yet by its code. */
function deed(action) {
  const key = `deed_${action.replace(".", "_")}`;
  const words = t(key);
  return words === key ? action : words;
}

function row(one) {
  const detail = Object.entries(one.detail).map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ");
  const object = one.object_id === one.actor_id ? "" : one.object_id;
  return el("li", { value: one.number },
    el("span", { class: "faint" }, moment(one.at)),
    el("span", {}, el("strong", {}, names.get(one.actor_id) ?? one.actor_id), ` ${deed(one.action)} `, names.get(object) ?? el("span", { class: "faint" }, object)),
    detail && el("code", { class: "faint" }, detail));
}

$("#older")?.addEventListener("click", async () => {
  const found = await load(oldest);
  if (found) $("#audit").append(...found.rows.map(row));
});

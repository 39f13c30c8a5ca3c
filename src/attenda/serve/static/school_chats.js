// Our own chats as training data: those that people allowed are taken in, read by a person, kept or dropped.

import { $, api, attempt, el, t, toast } from "/static/core.js";
import { count, facts } from "/static/parts.js";
import { errand } from "/static/school_parts.js";

const SAID = { user: "school.said_user", assistant: "school.said_assistant", system: "school.said_system" };
const dropped = new Set(); // ids of chats that are to be left out
let changed = () => {};

/** Offer to take chats in; `done` hears that the list of data has changed. */
export function takeChats(done) {
  changed = done;
  $("#take-chats").addEventListener("click", () => attempt(takeIn));
  $("#review").addEventListener("submit", (event) => { event.preventDefault(); attempt(decide); });
}

async function takeIn() {
  const begun = await api("POST", "/api/school/chats");
  const found = await errand($("#chats-doing"), begun, t("school.chats_taking"));
  $("#chats-doing").replaceChildren(el("p", {}, t("school.chats_taken", { count: count(found.count), left_out: count(found.left_out) })));
  await showChats();
  if (found.count) $("#review input").focus();
}

/** The chats that wait, each with its words and a choice. */
export async function showChats() {
  const found = await attempt(() => api("GET", "/api/school/chats"));
  if (!found) return;
  $("#review").hidden = !found.count;
  $("#review-rows").replaceChildren(...found.rows.map(row));
  $("#review-rows").dataset.ids = JSON.stringify(found.rows.map((one) => one.id));
  $("#review-more").textContent = found.count > found.rows.length ? t("school.and_more", { n: count(found.count - found.rows.length) }) : "";
}

function row(one) {
  const keep = el("input", { type: "checkbox", checked: !dropped.has(one.id) });
  keep.addEventListener("change", () => { dropped[keep.checked ? "delete" : "add"](one.id); });
  return el("li", { class: "item" },
    el("label", { class: "choice" }, keep, `${t("school.keep")} `, el("code", {}, one.id)),
    facts(one.messages.map((said) => [t(SAID[said.role]), said.content])));
}

async function decide() {
  const ids = JSON.parse($("#review-rows").dataset.ids);
  const body = { keep: ids.filter((id) => !dropped.has(id)), drop: ids.filter((id) => dropped.has(id)) };
  const done = await api("POST", "/api/school/chats/review", body);
  dropped.clear();
  toast(t(done.kept ? "school.chats_kept" : "school.chats_dropped", { name: done.name, kept: count(done.kept), dropped: count(done.dropped) }));
  $("#chats-doing").replaceChildren();
  await showChats();
  $("#take-chats").focus();
  changed();
}

// The documents: what is here and in which state, a search bench, the trash.

import { $, api, attempt, el, t, toast, when } from "/static/core.js";
import { closeSource, openSource } from "/static/source.js";
import { takeFiles } from "/static/upload.js";

let trashed = false;
let timer = 0;

async function list() {
  clearTimeout(timer);
  const found = await attempt(() => api("GET", `/api/documents?trashed=${trashed}`));
  if (!found) return;
  const { counts, documents } = found;
  $("#counts").textContent = counts.ready ? t("documents_ready", { n: counts.ready }) : "";
  const rows = documents.map(row);
  if (!rows.length) rows.push(el("li", { class: "empty faint" }, t(trashed ? "trash_empty" : "documents_empty")));
  $("#list").replaceChildren(...rows);
  if (documents.some((one) => !["ready", "failed"].includes(one.state))) timer = setTimeout(list, 700);
}

function row(one) {
  const open = el("button", { class: "link name", onclick: () => (one.total > 1 ? records(one, item) : openSource(one.id)) }, one.title || one.name);
  const busy = !["ready", "failed"].includes(one.state);
  const state = busy && one.total ? el("progress", { max: one.total, value: one.done, "aria-label": t(`state_${one.state}`) }) : el("span", { class: `state ${one.state}` }, t(`state_${one.state}`));
  const buttons = trashed
    ? [el("button", { class: "quiet", onclick: () => restore(one) }, t("restore"))]
    : [one.state === "failed" && el("button", { class: "quiet", onclick: () => retry(one) }, t("retry")), el("button", { class: "quiet", "aria-label": `${t("delete")}: ${one.name}`, onclick: () => remove(one) }, t("delete"))];
  const more = one.total > 1 ? t("records", { n: one.total }) : size(one.size);
  const item = el("li", {}, el("div", { class: "line" }, open, el("span", { class: "faint" }, more), el("span", { class: "faint" }, when(one.created_at)), state, buttons));
  if (one.reason) item.append(el("p", { class: "bad" }, one.reason));
  return item;
}

async function records(one, item) {
  const old = item.querySelector("ul");
  if (old) return old.remove();
  const found = await attempt(() => api("GET", `/api/documents?container=${one.id}&limit=2000`));
  if (found) item.append(el("ul", { class: "records" }, found.documents.map((record) => el("li", {}, el("button", { class: "link", onclick: () => openSource(record.id) }, record.title || record.name)))));
}

async function remove(one) {
  if ((await attempt(() => api("DELETE", `/api/documents/${one.id}`))) === undefined) return;
  toast(t("document_deleted", { name: one.name }), { undo: () => restore(one) });
  list();
}

const restore = (one) => attempt(() => api("POST", `/api/documents/${one.id}/restore`)).then(list);
const retry = (one) => attempt(() => api("POST", `/api/documents/${one.id}/retry`)).then(list);

function size(bytes) {
  if (!bytes) return "";
  const unit = bytes >= 1e6 ? ["megabyte", 1e6] : ["kilobyte", 1e3];
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: unit[0], maximumFractionDigits: 1 }).format(bytes / unit[1]);
}

$("#bench").addEventListener("submit", async (event) => {
  event.preventDefault();
  const query = $("#query").value.trim();
  if (!query) return $("#hits").replaceChildren();
  const hits = await attempt(() => api("GET", `/api/search?k=10&mode=${$("#mode").value}&q=${encodeURIComponent(query)}`));
  if (!hits) return;
  const rows = hits.map((hit) => el("li", {}, el("button", { class: "link", type: "button", onclick: () => openSource(hit.document_id, hit) }, hit.document), el("span", { class: "faint" }, ` ${hit.heading} ${hit.page ? t("page_number", { n: hit.page }) : ""} · ${hit.score.toFixed(4)}`), el("p", {}, hit.text.slice(0, 360))));
  $("#hits").replaceChildren(...(rows.length ? rows : [el("li", { class: "faint" }, t("nothing_found"))]));
});
for (const [id, value] of [["#show-living", false], ["#show-trash", true]])
  $(id).addEventListener("click", () => {
    trashed = value;
    $("#show-living").setAttribute("aria-pressed", String(!trashed));
    $("#show-trash").setAttribute("aria-pressed", String(trashed));
    list();
  });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeSource(); });
takeFiles(document.body, list);
list();

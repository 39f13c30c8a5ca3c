// What an answer stands on: the search, the cited spans, or what came nearest.

import { el, t } from "/static/core.js";
import { openSource } from "/static/source.js";

export function searchCard(message) {
  const { passages } = message.searched;
  const rows = passages.map((one) => el("li", {}, el("button", { class: "link", type: "button", onclick: () => openSource(one.document_id, one) }, one.document), " ", el("span", { class: "faint" }, one.text.slice(0, 110))));
  return el("details", { class: "card" }, el("summary", {}, t("searched", { n: passages.length })), el("ol", {}, rows));
}

export function sources(message) {
  const rows = message.citations.map((one) => el("li", { value: one.n }, el("button", { class: "link", type: "button", onclick: () => openSource(one.document_id, one) }, one.document), one.page ? el("span", { class: "faint" }, ` ${t("page_number", { n: one.page })}`) : "", el("q", {}, one.quote)));
  return el("ol", { class: "sources", "aria-label": t("sources") }, rows);
}

export function nearest(message) {
  const rows = message.nearest.map((one) => el("li", {}, el("button", { class: "link", type: "button", onclick: () => openSource(one.document_id, one) }, one.document), el("q", {}, one.text.slice(0, 200))));
  return el("ol", { class: "sources nearest", "aria-label": t("nearest") }, rows);
}

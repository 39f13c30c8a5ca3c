// The panel beside the page: a document's text, scrolled to a span, its words marked.

import { $, api, attempt, el, t } from "/static/core.js";

let opener = null;

/** Open the panel on a document; with a span, mark it and bring it into view. */
export async function openSource(documentId, span = null) {
  const found = await attempt(() => api("GET", `/api/documents/${documentId}`));
  if (!found) return;
  opener = document.activeElement;
  $("#panel-title").textContent = found.title || found.name;
  const letters = Array.from(found.text); // spans count code points
  const slice = (from, to) => letters.slice(from, to).join("");
  const body = el("div", { class: "source-text" });
  if (span) {
    const marked = el("mark", { tabindex: "-1" }, slice(span.start, span.end));
    body.append(slice(0, span.start), marked, slice(span.end));
  } else body.append(found.text);
  const page = span?.page ? el("p", { class: "faint" }, t("page_number", { n: span.page })) : null;
  $("#panel-body").replaceChildren(...[page, body].filter(Boolean));
  $("#panel").hidden = false;
  document.body.classList.add("panel-open");
  const mark = body.querySelector("mark");
  if (mark) mark.scrollIntoView({ block: "center" });
  $("#panel").focus({ preventScroll: true });
}

export function closeSource() {
  if ($("#panel").hidden) return false;
  $("#panel").hidden = true;
  document.body.classList.remove("panel-open");
  opener?.focus();
  return true;
}

$("#panel-close")?.addEventListener("click", closeSource);

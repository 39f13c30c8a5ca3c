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
  const picture = span?.page ? await pagePicture(documentId, found.title || found.name, span) : null;
  $("#panel-body").replaceChildren(...(picture ? [switcher(picture, body), picture, body] : [body]));
  $("#panel").hidden = false;
  document.body.classList.add("panel-open");
  ($("#panel-body .page-mark") ?? body.querySelector("mark"))?.scrollIntoView({ block: "center" });
  $("#panel").focus({ preventScroll: true });
}

/** The page of a span as a picture with its words marked; nothing where there is no page. */
async function pagePicture(documentId, document, span) {
  const path = `/api/documents/${documentId}/pages/${span.page}`;
  let where;
  try {
    where = await api("GET", `${path}?start=${span.start}&end=${span.end}`);
  } catch {
    return null; // a format without pages: the text is all there is
  }
  const image = el("img", { src: `${path}/image`, alt: t("page_picture", { n: span.page, document }) });
  const frame = el("figure", { class: "page-picture" }, image);
  frame.style.aspectRatio = `${where.width} / ${where.height}`;
  for (const mark of where.marks) {
    const box = el("span", { class: "page-mark" });
    for (const side of ["left", "top", "width", "height"]) box.style[side] = `${mark[side] * 100}%`;
    frame.append(box);
  }
  image.addEventListener("error", () => frame.remove());
  return frame;
}

/** Two buttons: the page as a picture, or its text. */
function switcher(picture, text) {
  const bar = el("div", { class: "tabs", role: "group" });
  const show = (asPage) => {
    picture.hidden = !asPage;
    text.hidden = asPage;
    bar.children[0].setAttribute("aria-pressed", String(asPage));
    bar.children[1].setAttribute("aria-pressed", String(!asPage));
  };
  bar.append(el("button", { class: "quiet", onclick: () => show(true) }, t("as_page")), el("button", { class: "quiet", onclick: () => show(false) }, t("as_text")));
  show(true);
  return bar;
}

export function closeSource() {
  if ($("#panel").hidden) return false;
  $("#panel").hidden = true;
  document.body.classList.remove("panel-open");
  opener?.focus();
  return true;
}

$("#panel-close")?.addEventListener("click", closeSource);

// Markdown of a model into elements: no HTML, no images, no references, links by click only.

import MarkdownIt from "/static/vendor/markdown-it.js";
import { el, t } from "/static/core.js";

const markdown = new MarkdownIt({ html: false, linkify: false, breaks: true });
markdown.disable(["image", "reference", "html_block", "html_inline", "autolink", "entity"]);
markdown.validateLink = (url) => /^https?:\/\//i.test(url);

/** A fragment for `text`; `cite(n)` gives the element of a marker `[n]`, or nothing. */
export function render(text, cite = () => null) {
  const template = document.createElement("template");
  template.innerHTML = markdown.render(text);
  for (const link of template.content.querySelectorAll("a")) {
    const host = new URL(link.href).host;
    link.rel = "noopener noreferrer nofollow";
    link.target = "_blank";
    link.title = link.href;
    if (!link.textContent.includes(host)) link.append(` (${host})`);
  }
  for (const block of template.content.querySelectorAll("pre")) {
    const copy = el("button", { class: "quiet copy-code", type: "button" }, t("copy"));
    copy.addEventListener("click", () => navigator.clipboard.writeText(block.querySelector("code").textContent));
    block.prepend(copy);
  }
  mark(template.content, cite);
  return template.content;
}

function mark(root, cite) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) if (!walker.currentNode.parentElement?.closest("code, pre, a")) nodes.push(walker.currentNode);
  for (const node of nodes) {
    const parts = node.data.split(/(\[\d+\])/);
    if (parts.length < 2) continue;
    node.replaceWith(...parts.map((part) => (/^\[\d+\]$/.test(part) && cite(Number(part.slice(1, -1)))) || part));
  }
}

// What every page needs: words, requests, elements, toasts, the side menu, language and theme.

const catalogue = JSON.parse(document.getElementById("words").textContent);

/** The sentence behind a key, its {places} filled. */
export function t(key, values = {}) {
  return (catalogue[`page.${key}`] ?? catalogue[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** An element: el("button", {class: "quiet", onclick}, "text", child). Text is never markup. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

const ICONS = {
  plus: "M12 5v14M5 12h14",
  up: "M7 11v9H4v-9zM7 11l4-8c1.500 0 2.500 1 2.500 2.500V9H19a2 2 0 0 1 2 2.300l-1.200 7A2 2 0 0 1 17.800 20H7",
  down: "M17 13V4h3v9zM17 13l-4 8c-1.500 0-2.500-1-2.500-2.500V15H5a2 2 0 0 1-2-2.300l1.200-7A2 2 0 0 1 6.200 4H17",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  pen: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  pin: "M12 3l2.600 5.600 6 .700-4.500 4.100 1.200 6L12 16.400 6.700 19.400l1.200-6L3.400 9.300l6-.700z",
};

/** A line drawing, hidden from screen readers; its button carries the label. */
export function icon(name, filled = false) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", filled ? "icon filled" : "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export const $ = (selector) => document.querySelector(selector);

/** A request to our API; throws an Error with the server's own sentence. */
export async function api(method, path, body, options = {}) {
  const init = { method, headers: {}, ...options };
  if (body instanceof FormData) init.body = body;
  else if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(path, init);
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new Error(t("server_gone"));
  }
  const text = await response.text();
  const data = text ? JSON.parse(text) : null;
  if (!response.ok) throw Object.assign(new Error(data?.error?.message ?? response.statusText), { status: response.status });
  return data;
}

/** A short message at the edge; with `undo`, a button that takes the deed back. */
export function toast(message, { undo, bad = false } = {}) {
  const box = el("div", { class: bad ? "toast bad" : "toast" }, el("span", {}, message));
  if (undo) box.append(el("button", { onclick: () => { box.remove(); undo(); } }, t("undo")));
  $("#toasts").append(box);
  setTimeout(() => box.remove(), undo ? 8000 : 5000);
}

/** Run an action; its error becomes a toast. */
export async function attempt(action) {
  try {
    return await action();
  } catch (problem) {
    toast(problem.message, { bad: true });
    return undefined;
  }
}

/** A date as the reader writes it: the time today, the day before that. */
export function when(microseconds) {
  const date = new Date(microseconds / 1000);
  const today = date.toDateString() === new Date().toDateString();
  const style = today ? { timeStyle: "short" } : { dateStyle: "medium" };
  return new Intl.DateTimeFormat(document.documentElement.lang, style).format(date);
}

/** A moment to come: its day and time. */
export const dayAndTime = (microseconds) => new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" }).format(new Date(microseconds / 1000));

for (const button of document.querySelectorAll("[data-open-side]"))
  button.addEventListener("click", () => { document.body.classList.add("side-open"); $("#side a, #side button").focus(); });
for (const button of document.querySelectorAll("[data-close-side]"))
  button.addEventListener("click", () => document.body.classList.remove("side-open"));
$("#language")?.addEventListener("click", (event) => {
  document.cookie = `language=${event.target.dataset.language}; path=/; max-age=31536000; samesite=strict`;
  location.reload();
});
$("#theme")?.addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", dark ? "light" : "dark");
});
for (const place of document.querySelectorAll("[data-icon]")) place.replaceChildren(icon(place.dataset.icon));

// The channels: a list of them, what each needs on its site, and an editor.

import { $, api, attempt, el, t, toast } from "/static/core.js";
import { badge, confirmed, count, facts, fill, moment, onSubmit, toCopy } from "/static/parts.js";

const editor = $("#editor");
const fields = editor.elements;
let channel = null; // the channel that is edited; null while it is new
let agents = [];
let boxes = [];
let shelves = [];

async function list() {
  const found = await attempt(() => Promise.all(["/api/channels", "/api/agents", "/api/collections"].map((path) => api("GET", path))));
  if (!found) return;
  [, agents, shelves] = found;
  boxes = found[0].mailboxes;
  fill($("#channels"), found[0].channels.map(row), t("channels.none"));
}

const agentName = (id) => agents.find((one) => one.id === id)?.name ?? t("gone");
const shelfName = (id) => shelves.find((one) => one.id === id)?.name ?? t("gone");

function row(one) {
  const button = (key, onclick, kind = "") => el("button", { type: "button", class: kind, id: `${kind || "b"}-${key}-${one.id}`, "aria-label": `${t(key)}: ${one.name}`, onclick }, t(key));
  const place = el("div", {});
  const widget = one.kind === "widget";
  const deeds = one.revoked_at ? [] : [
    widget && button("channels.embed", () => place.replaceChildren(snippet(one))),
    widget && button("channels.identity", () => showSecret(one, place)),
    button("edit", () => edit(one)),
    button("channels.revoke", () => revoke(one), "danger"),
  ];
  return el("li", { class: "item" },
    el("div", { class: "line" }, el("strong", { class: "name" }, one.name), badge(t(one.revoked_at ? "channels.closed" : "channels.open"), one.revoked_at ? "failed" : "good")),
    facts([
      [t("channels.agent"), agentName(one.agent_id)],
      [t("channels.documents"), one.collection_ids.map(shelfName).join(", ") || t("none")],
      [t("channels.origins"), widget && (one.origins.join(", ") || t("channels.no_origins"))],
      [t("channels.mailbox"), !widget && boxName(one.mailbox)],
      [t("channels.tokens"), count(one.tokens_a_day)],
    ]),
    troubles(one), el("div", { class: "buttons" }, deeds), place);
}

const boxName = (name) => boxes.find((one) => one.name === name)?.address ?? t("gone");

/** Mails that did not go out as they should: a person says what becomes of each. */
function troubles(one) {
  if (!one.troubles.length) return "";
  const STATES = { unknown: t("channels.unknown"), refused: t("channels.refused"), held: t("channels.held"), bounced: t("channels.bounced") };
  const button = (found, again, key) => el("button", { type: "button", id: `${key}-${found.id}`, "aria-label": `${t(key)}: ${found.address}`, onclick: () => decide(one, found, again) }, t(key));
  const rows = one.troubles.map((found) => el("li", {},
    el("span", {}, found.address), " ", badge(STATES[found.state], "failed"), el("p", { class: "faint" }, [found.problem, moment(found.changed_at)].filter(Boolean).join(" · ")),
    el("div", { class: "buttons" }, found.state !== "bounced" && button(found, true, "channels.send_again"), button(found, false, "channels.let_be"))));
  return el("details", { class: "box" }, el("summary", {}, t("channels.troubles", { n: rows.length })), el("p", { class: "faint" }, t("channels.troubles_more")), el("ul", { class: "notes" }, rows));
}

async function decide(one, found, again) {
  if ((await attempt(() => api("POST", `/api/channels/${one.id}/mails/${found.id}`, { again }))) === undefined) return;
  list();
}

function snippet(one) {
  const tag = `<script src="${location.origin}/widget.js" data-channel="${one.id}"></script>`;
  return toCopy(t("channels.embed_label"), tag, t("channels.embed_hint"));
}

async function showSecret(one, place) {
  const found = await attempt(() => api("POST", `/api/channels/${one.id}/secret`));
  if (found) place.replaceChildren(toCopy(t("channels.secret_label"), found.secret, t("channels.secret_hint")));
}

async function revoke(one) {
  if (!(await confirmed({ title: t("channels.revoke_title", { name: one.name }), text: t("channels.revoke_more"), label: t("channels.revoke") }))) return;
  if ((await attempt(() => api("DELETE", `/api/channels/${one.id}`))) === undefined) return;
  toast(t("channels.revoked", { name: one.name }));
  list();
}

function edit(one) {
  channel = one;
  editor.reset();
  $("#editor-title").textContent = one?.name ?? t("channels.new");
  fields.agent_id.replaceChildren(...agents.map((agent) => el("option", { value: agent.id, selected: agent.id === one?.agent_id }, agent.name)));
  fields.kind.value = one?.kind ?? "widget";
  fields.kind.disabled = Boolean(one);
  fields.mailbox.replaceChildren(...boxes.map((box) => el("option", { value: box.name }, box.address)));
  showKind();
  if (one) {
    for (const name of ["name", "colour", "tokens_a_day"]) fields[name].value = one[name];
    fields.origins.value = one.origins.join("\n");
    for (const box of editor.querySelectorAll("[name=language]")) box.checked = one.languages.includes(box.value);
  }
  showShelves(one?.collection_ids ?? ownShelves());
  swap(true);
  fields.name.focus();
}

/** Those that the chosen agent answers from; an agent of all documents opens none by itself. */
const ownShelves = () => agents.find((one) => one.id === fields.agent_id.value)?.collection_ids ?? [];

function showShelves(ticked) {
  const shared = shelves.filter((one) => one.shared);
  const rows = shared.map((one) => el("label", { class: "choice" }, el("input", { type: "checkbox", name: "collection", value: one.id, checked: ticked.includes(one.id) }), one.name));
  $("#collections").replaceChildren(...(rows.length ? rows : [el("p", { class: "faint hint" }, t("channels.no_documents"))]));
}

function showKind() {
  const mail = fields.kind.value === "mail";
  $("#kind-choice").hidden = !boxes.length;
  $("#mailbox-choice").hidden = !mail || Boolean(channel);
  $("#widget-only").hidden = mail;
}

function swap(editing) {
  $("#list-view").hidden = editing;
  $("#edit-view").hidden = !editing;
}

const ticked = (name) => [...editor.querySelectorAll(`[name=${name}]:checked`)].map((box) => box.value);

onSubmit(editor, async () => {
  const body = {
    name: fields.name.value.trim(), agent_id: fields.agent_id.value, collection_ids: ticked("collection"),
    origins: fields.origins.value.split(/\s+/).filter(Boolean), languages: ticked("language"),
    colour: fields.colour.value, tokens_a_day: Number(fields.tokens_a_day.value),
  };
  if (channel) await api("PATCH", `/api/channels/${channel.id}`, body);
  else if (fields.kind.value === "mail") await api("POST", "/api/channels", { ...body, kind: "mail", origins: [], mailbox: fields.mailbox.value });
  else await api("POST", "/api/channels", body);
  toast(t("channels.saved", { name: body.name }));
  swap(false);
  await list();
  $("#new-channel").focus();
});
fields.agent_id.addEventListener("change", () => { if (!channel) showShelves(ownShelves()); });
fields.kind.addEventListener("change", showKind);
$("#new-channel").addEventListener("click", () => edit(null));
$("#back").addEventListener("click", () => { swap(false); $("#new-channel").focus(); });
list();

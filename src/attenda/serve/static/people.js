// People: users with their roles and teams, links that let somebody in; one tab of the page shown.

import { $, api, attempt, el, t, toast } from "/static/core.js";
import { showAudit } from "/static/audit.js";
import { showKeys } from "/static/keys.js";
import { badge, confirmed, fill, may, me, onSubmit, toCopy } from "/static/parts.js";

const ROLES = ["owner", "supervisor", "agent", "member", "viewer"];
const FIRST = "usr_owner"; // the installation's owner, whose role stays
const opened = new Set(); // ids of users whose details are open
let teams = [];

const called = (user) => user.name || user.email || t("nameless");
const pick = (value, text, chosen) => el("option", { value, selected: value === chosen }, text);

// --- users

async function showUsers() {
  const found = await attempt(() => Promise.all([api("GET", "/api/users"), api("GET", "/api/teams")]));
  if (!found) return;
  teams = found[1];
  const kept = $("#invite").elements.team.value;
  $("#invite").elements.team.replaceChildren(pick("", t("no_team"), kept), ...teams.map((team) => pick(team.id, team.name, kept)));
  fill($("#users"), found[0].map(userRow), "");
  fill($("#teams"), teams.map((team) => teamRow(team, found[0])), t("no_teams"));
}

function userRow(user) {
  const fixed = user.id === FIRST;
  const role = el("select", { id: `role-${user.id}`, "aria-label": `${t("role")}: ${called(user)}`, disabled: fixed }, ROLES.map((one) => pick(one, t(`role_${one}`), user.role)));
  role.addEventListener("change", () => change(user, { role: role.value }));
  const more = el("details", { open: opened.has(user.id) }, el("summary", { id: `more-${user.id}`, "aria-label": `${t("more")}: ${called(user)}` }, t("more")), teamBoxes(user), quota(user), el("div", { class: "buttons" }, ...deeds(user, fixed)), el("div", { id: `link-${user.id}`, "aria-live": "polite" }));
  more.addEventListener("toggle", () => opened[more.open ? "add" : "delete"](user.id));
  return el("li", { class: "item" },
    el("div", { class: "line" }, el("span", { class: "name" }, el("strong", {}, called(user)), " ", el("span", { class: "faint" }, user.email !== called(user) ? user.email : "")), user.id === me && badge(t("yourself")), user.disabled_at && badge(t("disabled"), "failed"), role),
    more);
}

function teamBoxes(user) {
  if (!teams.length) return null;
  const boxes = teams.map((team) => el("label", { class: "choice" }, el("input", { type: "checkbox", id: `team-${user.id}-${team.id}`, value: team.id, checked: user.teams.includes(team.id) }), team.name));
  const group = el("fieldset", {}, el("legend", {}, t("teams")), el("div", { class: "choices" }, boxes));
  group.addEventListener("change", () => change(user, { teams: [...group.querySelectorAll(":checked")].map((box) => box.value) }));
  return group;
}

function quota(user) {
  const field = el("input", { id: `quota-${user.id}`, type: "number", min: 0, value: user.tokens_a_day ?? "", placeholder: t("no_limit") });
  field.addEventListener("change", () => field.reportValidity() && change(user, { tokens_a_day: field.value === "" ? null : Number(field.value) }));
  return el("label", { class: "field" }, t("tokens_a_day"), field);
}

function* deeds(user, fixed) {
  if (!user.email) yield el("a", { href: "/welcome" }, t("set_up_now"));
  else yield el("button", { type: "button", id: `reset-${user.id}`, onclick: () => reset(user) }, t("reset_link"));
  if (fixed) return;
  yield el("button", { type: "button", id: `able-${user.id}`, onclick: () => change(user, { disabled: !user.disabled_at }) }, t(user.disabled_at ? "enable" : "disable"));
  yield el("button", { type: "button", id: `erase-${user.id}`, onclick: () => erase(user) }, t("erase"));
}

async function change(user, values) {
  if ((await attempt(() => api("PATCH", `/api/users/${user.id}`, values))) !== undefined) toast(t("user_saved", { name: called(user) }));
  showUsers();
}

async function reset(user) {
  const made = await attempt(() => api("POST", "/api/invitations", { user_id: user.id }));
  if (made) document.getElementById(`link-${user.id}`).replaceChildren(toCopy(t("reset_made", { name: called(user) }), link(made), t("link_hint")));
}

async function erase(user) {
  const sure = await confirmed({ title: t("erase_title", { name: called(user) }), text: t("erase_more"), label: t("erase"), typed: called(user) });
  if (!sure || (await attempt(() => api("DELETE", `/api/users/${user.id}`))) === undefined) return;
  toast(t("erased", { name: called(user) }));
  showUsers();
}

// --- links and teams

const link = (made) => location.origin + made.path;

onSubmit($("#invite"), async (fields) => {
  const made = await api("POST", "/api/invitations", { role: fields.role.value, team_id: fields.team.value || null });
  $("#invited").replaceChildren(toCopy(t("invited", { role: t(`role_${fields.role.value}`) }), link(made), t("link_hint")));
});
$("#invite")?.elements.role.append(...ROLES.map((role) => pick(role, t(`role_${role}`), "agent")));

function teamRow(team, users) {
  const members = users.filter((user) => user.teams.includes(team.id)).map(called);
  return el("li", { class: "item" }, el("strong", {}, team.name), el("p", { class: "faint" }, members.length ? members.join(", ") : t("nobody_in_team")));
}

onSubmit($("#new-team"), async (fields) => {
  await api("POST", "/api/teams", { name: fields.name.value });
  fields.name.value = "";
  await showUsers();
});

// --- tabs

const SHOW = { users: showUsers, teams: showUsers, keys: showKeys, audit: showAudit };

function open(tab) {
  for (const button of document.querySelectorAll("[data-tab]")) button.setAttribute("aria-pressed", String(button.dataset.tab === tab));
  for (const pane of document.querySelectorAll("[data-pane]")) pane.hidden = pane.dataset.pane !== tab;
  SHOW[tab]();
}

function route() {
  const wanted = location.hash.slice(1);
  const there = document.querySelector(`[data-pane="${CSS.escape(wanted)}"]`);
  open(there ? wanted : may("manage_people") ? "users" : "keys");
}

for (const button of document.querySelectorAll("[data-tab]")) button.addEventListener("click", () => { location.hash = button.dataset.tab; });
window.addEventListener("hashchange", route);
route();

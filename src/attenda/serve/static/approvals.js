// Approvals: just what would be done, read from what the server keeps, and a yes or a no to it.

import { $, api, attempt, el, t } from "/static/core.js";
import { badge, facts, fill, may, moment } from "/static/parts.js";

/** One question; `place` tells apart the two places that may show the same. */
export function approvalRow(one, place = "all") {
  const reason = el("input", { id: `why-${place}-${one.id}`, maxlength: 2000, placeholder: t("desk.decision_reason"), "aria-label": t("desk.decision_reason"), autocomplete: "off" });
  const decide = async (yes) => {
    for (const button of row.querySelectorAll("button")) button.disabled = true;
    const done = await attempt(() => api("POST", `/api/approvals/${one.id}`, { yes, shown: one.shown, reason: reason.value }));
    if (done === undefined) for (const button of row.querySelectorAll("button")) button.disabled = false;
  };
  const open = one.state === "pending";
  const row = el("li", { class: "item" },
    el("div", { class: "line" }, el("code", { class: "name" }, one.tool), badge(t(`approval_${one.state}`), open ? "running" : one.state === "denied" ? "failed" : "good")),
    facts(one.arguments.map(({ name, value, origin }) => [name, [el("strong", {}, value), origin && el("span", { class: "bad" }, ` ${t("desk.origin", { origin })}`)]])),
    one.sink.length > 0 && el("p", { class: "bad" }, t("desk.sink", { names: one.sink.join(", ") })),
    el("p", { class: "faint" }, [t("desk.for_customer", { name: one.asked_for }), t("desk.by_rule", { rule: one.rule }), open && t("desk.until", { when: moment(one.expires_at) })].filter(Boolean).join(" · ")),
    one.decided_by && el("p", {}, t("desk.decided_by", { name: one.decided_by, when: moment(one.decided_at) }), one.reason && `: ${one.reason}`),
    open && one.may_decide && reason,
    open && one.may_decide && el("div", { class: "buttons" },
      el("button", { type: "button", class: "primary", id: `yes-${place}-${one.id}`, onclick: () => decide(true) }, t("desk.approve")),
      el("button", { type: "button", id: `no-${place}-${one.id}`, onclick: () => decide(false) }, t("desk.deny"))),
    open && !one.may_decide && el("p", { class: "faint" }, t("desk.needs_role", { role: t(`role_${one.role}`) })));
  return row;
}

/** A deed whose answer was lost: whoever looked says whether it was done. */
export function lostRow(one, session) {
  const settle = async (done) => {
    for (const button of row.querySelectorAll("button")) button.disabled = true;
    const settled = await attempt(() => api("POST", `/api/desk/sessions/${session}/effects/${one.key}`, { done }));
    if (settled === undefined) for (const button of row.querySelectorAll("button")) button.disabled = false;
  };
  const row = el("li", { class: "item" },
    el("div", { class: "line" }, el("code", { class: "name" }, one.tool), badge(t("desk.lost"), "failed")),
    facts(one.arguments.map(({ name, value }) => [name, el("strong", {}, value)])),
    el("p", { class: "faint" }, t("desk.lost_about", { when: moment(one.begun_at) })),
    one.may_settle && el("div", { class: "buttons" },
      el("button", { type: "button", id: `done-${one.key}`, onclick: () => settle(true) }, t("desk.was_done")),
      el("button", { type: "button", id: `undone-${one.key}`, onclick: () => settle(false) }, t("desk.was_not_done"))));
  return row;
}

/** The switches that stop what agents write; who operates the server moves them. */
export async function showSwitches() {
  const found = await attempt(() => api("GET", "/api/switches"));
  if (!found) return;
  const rows = Object.entries(found).map(([name, off]) => {
    const called = name === "tools" ? t("desk.all_tools") : name.slice("tool:".length);
    const flip = async () => {
      await attempt(() => api("PUT", `/api/switches/${encodeURIComponent(name)}`, { off: !off }));
      await showSwitches();
    };
    const button = el("button", { type: "button", id: `switch-${name}`, class: off ? "" : "danger", "aria-label": `${t(off ? "desk.turn_on" : "desk.turn_off")}: ${called}`, onclick: flip }, t(off ? "desk.turn_on" : "desk.turn_off"));
    return el("li", { class: "line" }, el("span", { class: "name" }, called), badge(t(off ? "desk.off" : "desk.on"), off ? "failed" : "good"), may("operate") && button);
  });
  fill($("#switches"), rows, "");
}

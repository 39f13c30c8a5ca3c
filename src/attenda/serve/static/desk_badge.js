// On every page of those who answer: how many wait at the desk, and word of it when one more does.

const badge = document.querySelector("#desk-badge");
const LOOK_MS = 15000;
let before = Number(badge.textContent);

/** Show how many wait; say so through the browser where its person allowed that. */
export function showWaiting(n) {
  badge.textContent = n;
  badge.hidden = !n;
  if (n > before && globalThis.Notification?.permission === "granted" && document.hidden) {
    // One tag for all tabs: the browser shows one notification, whichever tab saw it first.
    const shown = new Notification(badge.dataset.arrived, { tag: "attenda-desk" });
    shown.onclick = () => { window.focus(); shown.close(); };
  }
  before = n;
}

async function look() {
  try {
    const answer = await fetch("/api/desk/waiting");
    if (answer.ok) showWaiting((await answer.json()).waiting);
  } catch { /* the server is gone for now; the next look may find it */ }
}

// The desk itself is told at once, by its own stream.
if (!document.querySelector("#desk")) setInterval(look, LOOK_MS);

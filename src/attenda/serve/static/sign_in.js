// Signing in, joining by a link, and signing out: the button at the foot of every page.

import { $, api, attempt } from "/static/core.js";

/** Send a form's fields to `path`; what the server refuses is said in the form. */
function send(form, path, extra, then) {
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button.primary");
    const problem = form.querySelector("[role=alert]");
    button.disabled = true;
    problem.textContent = "";
    try {
      await api("POST", path, { ...Object.fromEntries(new FormData(form)), ...extra() });
      then();
    } catch (refused) {
      problem.textContent = refused.message;
      form.querySelector("[type=password]").select();
    } finally {
      button.disabled = false;
    }
  });
}

// The server made sure that the address to go on to is one of its own; the part after # is ours.
const signIn = $("#sign-in");
send(signIn, "/api/sign-in", () => ({}), () => {
  const to = signIn.dataset.to;
  if (to === location.pathname + location.search) location.reload();
  else location.assign(to);
});

// A link's token stands after #, so no server's log ever has it.
send($("#join"), "/api/join", () => ({ token: location.hash.slice(1) }), () => location.replace("/"));

$("#sign-out")?.addEventListener("click", async () => {
  if ((await attempt(() => api("POST", "/api/sign-out"))) === undefined) return;
  const here = location.pathname + location.search;
  location.assign(here === "/" ? "/sign-in" : `/sign-in?to=${encodeURIComponent(here)}`);
});

// The one script of the chat widget, in another site's page: a button, and on its first press a frame
// from where this script came from. Nothing is read of the page but this script's own attributes:
//   <script src="https://HOST/widget.js" data-channel="chn_…" data-language="en" data-identity="…"></script>
(() => {
  const script = document.currentScript;
  const channel = script?.dataset.channel ?? script?.dataset.agent;
  if (!channel) return console.warn("Attenda: the script tag needs data-channel.");
  const home = new URL(script.src).origin;
  const COLOURS = { teal: "#20655b", blue: "#1f5fa8", violet: "#6a3fa0", rose: "#a8325a", slate: "#3d4a57" };
  const PHONE = matchMedia("(max-width: 520px)");
  const OPEN = `attenda-open:${channel}`;

  const style = (node, rules) => Object.assign(node.style, rules);
  const remember = (open) => {
    try {
      if (open) sessionStorage.setItem(OPEN, "1");
      else sessionStorage.removeItem(OPEN);
    } catch { /* a page without storage: the chat is opened by hand each time */ }
  };
  const wasOpen = () => {
    try {
      return sessionStorage.getItem(OPEN) === "1";
    } catch {
      return false;
    }
  };

  function drawing(path) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const line = document.createElementNS(space, "path");
    for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", width: "26", height: "26", fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" })) svg.setAttribute(name, value);
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }

  const BUBBLE = "M4 5h16v11H10l-5 4v-4H4z";
  const CROSS = "M6 6l12 12M18 6L6 18";

  function show(looks) {
    const place = document.createElement("div");
    const root = place.attachShadow({ mode: "open" });
    const button = document.createElement("button");
    const dot = document.createElement("span");
    let frame = null;
    let open = false;
    button.type = "button";
    style(button, { all: "unset", position: "fixed", right: "20px", bottom: "20px", width: "56px", height: "56px", borderRadius: "50%", display: "grid", placeItems: "center", cursor: "pointer", color: "#fff", background: COLOURS[looks.colour] ?? COLOURS.teal, boxShadow: "0 4px 18px rgba(0,0,0,.28)", zIndex: "2147483001" });
    style(dot, { position: "fixed", right: "20px", bottom: "64px", width: "12px", height: "12px", borderRadius: "50%", background: "#d11a2a", border: "2px solid #fff", zIndex: "2147483002", display: "none" });
    button.addEventListener("focus", () => style(button, { outline: button.matches(":focus-visible") ? "3px solid #111" : "none", outlineOffset: "3px" }));
    button.addEventListener("blur", () => style(button, { outline: "none" }));
    root.append(button, dot);
    document.body.append(place);

    const say = (message) => frame?.contentWindow?.postMessage({ attenda: 1, ...message }, home);

    function fit() {
      if (!frame) return;
      const phone = PHONE.matches;
      style(frame, { position: "fixed", border: "0", display: open ? "block" : "none", colorScheme: "normal", zIndex: "2147483000", background: "#fff", right: phone ? "0" : "20px", bottom: phone ? "0" : "90px", width: phone ? "100%" : "min(400px, calc(100vw - 40px))", height: phone ? "100%" : "min(640px, calc(100vh - 110px))", borderRadius: phone ? "0" : "16px", boxShadow: "0 10px 40px rgba(0,0,0,.3)" });
      style(button, { display: phone && open ? "none" : "grid" });
    }

    function set(now, focus) {
      open = now;
      remember(open);
      if (open && !frame) {
        frame = document.createElement("iframe");
        frame.title = looks.name;
        frame.src = `${home}/widget/${encodeURIComponent(channel)}?language=${encodeURIComponent(looks.language)}`;
        root.prepend(frame);
      }
      button.setAttribute("aria-label", open ? looks.close : looks.open);
      button.setAttribute("aria-expanded", String(open));
      button.replaceChildren(drawing(open ? CROSS : BUBBLE));
      dot.style.display = "none";
      fit();
      say({ shown: open, focus });
      if (focus) (open ? frame : button).focus();
    }

    button.addEventListener("click", () => set(!open, true));
    PHONE.addEventListener("change", fit);
    addEventListener("message", (event) => {
      if (!frame || event.source !== frame.contentWindow || event.origin !== home || event.data?.attenda !== 1) return;
      if (event.data.ready) say({ hello: true, identity: script.dataset.identity ?? "", shown: open, focus: event.data.focus ?? true });
      if (event.data.close) set(false, true);
      if (event.data.unread && !open) dot.style.display = "block";
    });
    set(wasOpen(), false);
  }

  const language = encodeURIComponent(script.dataset.language ?? document.documentElement.lang ?? "");
  fetch(`${home}/api/channels/${encodeURIComponent(channel)}/looks?language=${language}`, { credentials: "omit" })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
    .then(show)
    .catch(() => console.warn("Attenda: the chat is closed, or this site is not among those of its channel."));
})();

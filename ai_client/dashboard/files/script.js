"use strict";
/* Keeps the page up to date, and writes moments in the browser's time zone. The page works without it. */
{
  const seconds = Number(document.body.dataset.refresh) / 1000;
  const state = document.getElementById("live");
  const formats = {
    moment: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
    clock: { hour: "2-digit", minute: "2-digit" },
    instant: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" },
  };

  function localise(root) {
    for (const time of root.querySelectorAll("time[data-local]")) {
      const moment = new Date(time.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      time.title = moment.toISOString();
      time.textContent = new Intl.DateTimeFormat(undefined, formats[time.dataset.local]).format(moment);
    }
  }

  /* An element of the page that was there before, in its new version: by its id, or by what it leads to. */
  function counterpart(old, fresh) {
    if (old.id) return fresh.querySelector("#" + CSS.escape(old.id));
    const address = old.getAttribute("href");
    if (address === null) return null;
    const path = address.split("?")[0];
    const near = (link) => link.textContent === old.textContent && link.getAttribute("href").split("?")[0] === path;
    return [...fresh.querySelectorAll("a[href]")].find(near) ?? null;
  }

  function swap(part, fresh) {
    localise(fresh);
    for (const open of part.querySelectorAll("details[open]")) {
      const same = open.id && fresh.querySelector("#" + CSS.escape(open.id));
      if (same) same.open = true;
    }
    if (part.isEqualNode(fresh)) return;
    const selection = document.getSelection();
    if (selection && !selection.isCollapsed && part.contains(selection.anchorNode)) return;
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const follower = focused && counterpart(focused, fresh);
    if (focused && !follower) return; // until the reader has gone on
    const scrolled = [...part.querySelectorAll(".table")].map((box) => [box.scrollLeft, box.scrollTop]);
    part.replaceWith(fresh);
    [...fresh.querySelectorAll(".table")].forEach((box, at) => {
      if (scrolled[at]) [box.scrollLeft, box.scrollTop] = scrolled[at];
    });
    follower?.focus({ preventScroll: true });
  }

  let paused = false;
  let timer = 0;
  let lostAt = null;
  const words = document.createElement("span");
  const button = document.createElement("button");

  function show() {
    state.className = "state" + (lostAt ? " lost" : paused ? " paused" : "");
    const clock = lostAt && new Intl.DateTimeFormat(undefined, formats.clock).format(lostAt);
    const said = lostAt ? `Connection lost at ${clock}` : paused ? "Paused" : "Live";
    if (words.textContent !== said) words.textContent = said; // a screen reader says each change
    button.textContent = paused ? "Go on" : "Pause";
  }

  async function refresh() {
    clearTimeout(timer);
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(30000), redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (paused) return;
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(part.id);
        if (fresh) swap(part, document.importNode(fresh, true));
      }
      lostAt = null;
    } catch {
      lostAt ??= new Date();
    }
    show();
    plan();
  }

  function plan() {
    clearTimeout(timer);
    if (!paused && !document.hidden) timer = setTimeout(refresh, 1000 * seconds);
  }

  document.addEventListener("click", (event) => {
    const area = event.target instanceof Element && event.target.closest(".hit");
    if (!area) return;
    const table = area.closest("figure").nextElementSibling; // with a row for each point of time
    const at = [...area.parentNode.querySelectorAll(".hit")].indexOf(area);
    table?.querySelectorAll("tbody tr")[at]?.querySelector("a")?.click();
  });
  for (const copy of document.querySelectorAll("button[data-copy]")) {
    if (!navigator.clipboard) continue; // the text can be selected
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.querySelector(copy.dataset.copy).textContent);
      copy.textContent = "Copied";
    });
  }
  localise(document);
  for (const select of document.querySelectorAll(".filters select")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }

  if (state && seconds) {
    button.type = "button";
    button.addEventListener("click", () => {
      paused = !paused;
      show();
      if (paused) plan();
      else refresh();
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) clearTimeout(timer);
      else if (!paused) refresh();
    });
    state.append(words, button);
    state.hidden = false;
    show();
    plan();
  }
}

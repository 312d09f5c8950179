// Makes the console live. Every page is true without it: this only counts down between two
// answers of the server, refreshes what changed, and adds copy buttons and the theme switch.
"use strict";

// Before anything is painted: the theme the reader chose, so that no page flashes.
const root = document.documentElement;
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's theme stands.
}

const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const clean = (text) => text.replace(/\B(?=(\d{3})+$)/g, ",");

// Micro-nanos per second from a decimal text with six places, without a float.
function rate(text) {
  const [whole, fraction = ""] = (text || "0").split(".");
  return BigInt(whole) * 1000000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}

let shownAt = performance.now();

function elapsedMicros() {
  return BigInt(Math.max(0, Math.floor((performance.now() - shownAt) * 1000)));
}

// Nanos after the elapsed time, at a rate in micro-nanos per second.
const moved = (perSecond) => (perSecond * elapsedMicros()) / 1000000000000n;

function tickFigure(figure) {
  let nanos = BigInt(figure.dataset.availableNanos);
  if (nanos <= 0n) return;
  nanos -= moved(rate(figure.dataset.burnNanosPerSecond));
  if (nanos < 0n) nanos = 0n;
  const cents = nanos / 10000000n;
  const parts = {
    ".figure-whole": "$" + clean(String(cents / 100n)),
    ".figure-cents": "." + String(cents % 100n).padStart(2, "0"),
    ".figure-fine": String((nanos % 10000000n) / 1000n).padStart(4, "0"),
  };
  for (const [selector, text] of Object.entries(parts)) {
    const part = figure.querySelector(selector);
    if (part && part.textContent !== text) part.textContent = text;
  }
}

function tickCost(cell) {
  const nanos = BigInt(cell.dataset.costNanos) + moved(rate(cell.dataset.rateNanosPerSecond));
  const fraction = String((nanos % 1000000000n) / 100000n).padStart(4, "0");
  cell.textContent = "$" + clean(String(nanos / 1000000000n)) + "." + fraction;
}

function tickSeconds(cell) {
  const total = Number(cell.dataset.seconds) + Number(elapsedMicros() / 1000000n);
  const two = (number) => String(number).padStart(2, "0");
  const clock = [Math.floor(total / 3600) % 24, two(Math.floor(total / 60) % 60), two(total % 60)];
  const days = Math.floor(total / 86400);
  cell.textContent = (days > 0 ? days + " d " : "") + clock.join(":");
}

function tick() {
  all("[data-figure][data-burn-nanos-per-second]").forEach(tickFigure);
  all("[data-cost-nanos]").forEach(tickCost);
  all("[data-seconds]").forEach(tickSeconds);
}

// Replaces what the server says has changed, sparing what the reader is working in.
async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const level = (page) => page.querySelector(".hero-level")?.textContent;
  const said = level(fresh) !== level(document) && fresh.querySelector(".runway");
  for (const old of all("[data-swap]")) {
    const next = fresh.getElementById(old.id);
    if (!next || old.contains(document.activeElement)) continue;
    const open = all("details[open][id]", old).map((details) => details.id);
    old.replaceWith(next);
    all("details[id]", next).forEach((details) => (details.open ||= open.includes(details.id)));
  }
  for (const text of all("[data-live-text]")) {
    const next = fresh.querySelector(`[data-live-text="${text.dataset.liveText}"]`);
    if (next && !text.closest("[data-swap]")) text.replaceChildren(...next.childNodes);
  }
  shownAt = performance.now();
  // Spoken only when a threshold was crossed; the ticking figure never is.
  const announce = document.querySelector("[data-announce]");
  if (said && announce) announce.textContent = level(fresh) + ". " + said.textContent;
  all("[data-live-mark]").forEach((mark) => (mark.hidden = false));
}

function follow(page) {
  const stream = new EventSource(page.dataset.live);
  let waiting = 0;
  stream.addEventListener("changed", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => refresh().catch(() => {}), 100);
  });
  const mark = (live) => () => all("[data-live-mark]").forEach((each) => (each.hidden = !live));
  stream.addEventListener("open", mark(true));
  stream.addEventListener("error", mark(false));
}

async function poll(waiting) {
  const answer = await fetch(location.href).catch(() => null);
  const fresh = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = fresh && fresh.getElementById(waiting.id);
  if (next && !next.hasAttribute("data-poll")) waiting.replaceWith(next);
  else setTimeout(() => poll(waiting), 2000);
}

function copyButton(button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    const word = button.querySelector("[data-copy-word]");
    word.textContent = "Copied";
    setTimeout(() => (word.textContent = "Copy"), 1500);
  });
}

function themeButton(button) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const next = (root.dataset.theme || system) === "dark" ? "light" : "dark";
    root.dataset.theme = next;
    try { localStorage.setItem("theme", next); } catch { /* Lasts for this page only. */ }
  });
}

document.addEventListener("DOMContentLoaded", () => {
  all("[data-copy]").forEach(copyButton);
  all("[data-theme-toggle]").forEach(themeButton);
  all("[data-poll]").forEach((waiting) => setTimeout(() => poll(waiting), 1000));
  const page = document.querySelector("[data-live]");
  if (page && "EventSource" in window) follow(page);
  setInterval(() => document.hidden || tick(), 1000);
  const menu = document.querySelector(".wallet-menu");
  document.addEventListener("click", (event) => {
    if (menu?.open && (!menu.contains(event.target) || event.target.closest("a"))) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu?.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  all("[name=preset]").forEach((preset) => preset.addEventListener("change", () => {
    all("[data-custom-amount]", preset.form).forEach((input) => (input.value = ""));
  }));
});

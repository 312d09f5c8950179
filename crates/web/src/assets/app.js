// Makes the console live. Every page is true without it: this only counts down between two
// answers of the server, refreshes what changed, and adds copy buttons and the theme switch.
"use strict";
// Before anything is painted: the theme the reader chose, so that no page flashes.
const root = document.documentElement;
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
} catch { /* Storage may be forbidden; the system's theme stands. */ }

const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const two = (number) => String(number).padStart(2, "0");
const grouped = (whole) => String(whole).replace(/\B(?=(\d{3})+$)/g, ",");

// Micro-nanos per second from a decimal text with six places, without a float.
function rate(text) {
  const [whole, fraction = ""] = (text || "0").split(".");
  return BigInt(whole) * 1000000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}

let shownAt = performance.now();
const elapsedMicros = () => BigInt(Math.floor((performance.now() - shownAt) * 1000));

// Nanos after the elapsed time, at a rate in micro-nanos per second.
const moved = (perSecond) => (perSecond * elapsedMicros()) / 1000000000000n;

function tickFigure(figure) {
  const available = BigInt(figure.dataset.availableNanos);
  if (available <= 0n) return;
  const left = available - moved(rate(figure.dataset.burnNanosPerSecond));
  const nanos = left > 0n ? left : 0n;
  const cents = nanos / 10000000n;
  const say = (part, text) => (figure.querySelector(".figure-" + part).textContent = text);
  say("whole", "$" + grouped(cents / 100n));
  say("cents", "." + two(cents % 100n));
  say("fine", String((nanos % 10000000n) / 1000n).padStart(4, "0"));
}

function tickCost(cell) {
  const nanos = BigInt(cell.dataset.costNanos) + moved(rate(cell.dataset.rateNanosPerSecond));
  const micros = String((nanos % 1000000000n) / 1000n).padStart(6, "0");
  cell.textContent = "$" + grouped(nanos / 1000000000n) + "." + micros;
}

function tickSeconds(cell) {
  const total = Number(cell.dataset.seconds) + Number(elapsedMicros() / 1000000n);
  const [days, hours, minutes] = [86400, 3600, 60].map((unit) => Math.floor(total / unit));
  const clock = [hours % 24, two(minutes % 60), two(total % 60)].join(":");
  cell.textContent = (days > 0 ? days + " d " : "") + clock;
}

function tickClock(time) {
  const [hours, minutes, seconds] = time.dataset.clock.split(":").map(Number);
  const now = hours * 3600 + minutes * 60 + seconds + Number(elapsedMicros() / 1000000n);
  const places = [Math.floor(now / 3600) % 24, Math.floor(now / 60) % 60, now % 60];
  time.textContent = places.map(two).join(":");
}

function tick() {
  all("[data-figure][data-burn-nanos-per-second]").forEach(tickFigure);
  all("[data-cost-nanos]").forEach(tickCost);
  all("[data-seconds]").forEach(tickSeconds);
  all("[data-clock]").forEach(tickClock);
}

async function load() {
  const answer = await fetch(location.href);
  return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
}

// Replaces what the server says has changed, sparing what the reader is working in.
async function refresh() {
  const fresh = await load();
  if (!fresh) return;
  const level = (page) => page.querySelector(".hero-level dd")?.textContent;
  const now = level(fresh);
  const said = now !== level(document) && fresh.querySelector(".runway");
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
  if (said) document.querySelector("[data-announce]").textContent = now + ". " + said.textContent;
}

function follow(page) {
  const stream = new EventSource(page.dataset.live);
  const mark = () =>
    all("[data-live-mark]").forEach((each) => (each.hidden = stream.readyState !== 1));
  const again = () => document.hidden || refresh().then(mark, mark);
  let waiting = 0;
  stream.addEventListener("changed", () => {
    clearTimeout(waiting);
    waiting = setTimeout(again, 100);
  });
  document.addEventListener("visibilitychange", again);
  setInterval(again, 60000);
  stream.onopen = stream.onerror = mark;
}

async function poll(waiting) {
  const next = (await load().catch(() => null))?.getElementById(waiting.id);
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
  if (page) follow(page);
  setInterval(() => document.hidden || tick(), 1000);
  const menu = document.querySelector(".wallet-menu");
  // Listeners, not handler properties: those cancel the click when they return false.
  const close = (when) => { if (menu?.open && when) menu.open = false; };
  document.addEventListener("click", ({ target }) => {
    close(target.closest("a") || !menu?.contains(target));
  });
  document.addEventListener("keydown", ({ key }) => close(key === "Escape"));
  all("[name=preset]").forEach((preset) => preset.addEventListener("change", () => {
    all("[data-custom-amount]", preset.form).forEach((input) => (input.value = ""));
  }));
});

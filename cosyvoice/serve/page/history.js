// The takes made in this browser, newest first, kept with their sound until they are deleted or too many.
import * as db from "./db.js";
import { $, clock, make } from "./dom.js";
import { saveTake } from "./downloads.js";
import { t } from "./i18n.js";
import { titleOf } from "./job.js";
import { present, presented, sound } from "./player.js";
import { describe } from "./speakers.js";
import { tabs } from "./tabs.js";
import { Take } from "./take.js";
import { languageOf } from "./voices.js";

const MOST = 50, MOST_BYTES = 100e6;          // takes kept, and bytes of their sound
let takes = [];

// What earlier visits have left.
export async function loadHistory() {
  const kept = await db.every("takes").catch(() => null);
  if (!kept) return;                          // storage is blocked: the history lasts as long as the page
  const known = new Map(takes.map((take) => [take.id, take]));
  takes = kept.sort((a, b) => b.made - a.made).map((record) => known.get(record.id) ?? Take.of(record));
  render();
}

export async function addToHistory(take) {
  if (!take.seconds) return;
  if (!takes.includes(take)) takes.unshift(take);
  const old = takes.splice(MOST);
  old.push(...takes.splice(howManyFit(takes)));
  render();
  for (const gone of old) await forget(gone);
  await keep(take);
  tabs.postMessage({ takes: true });
}

function howManyFit(list) {
  let bytes = 0;
  const over = list.findIndex((take, i) => (bytes += sizeOf(take)) > MOST_BYTES && i > 0);
  return over < 0 ? list.length : over;
}

// Bytes of its sound and of the recordings it was made of.
function sizeOf(take) {
  const { file, source } = take.job;
  return [take.blob(), file?.blob, source?.blob].reduce((sum, blob) => sum + (blob?.size ?? 0), 0);
}

// The browser may have less room than wanted: older takes go until this one fits.
async function keep(take) {
  if (take.keptAs !== take.id) await forget(take);            // a take that goes on has another id
  take.keptAs = take.id;
  for (;;) {
    try {
      return await db.put("takes", take.record());
    } catch (error) {
      if (error?.name !== "QuotaExceededError" || takes.length < 2) return;
      await forget(takes.pop());
    }
  }
}

const forget = ({ keptAs }) => keptAs && db.remove("takes", keptAs).catch(() => {});

// Called whenever another take is shown or one has changed.
export function render() {
  $("history").hidden = takes.length < 1;
  $("takes").replaceChildren(...takes.map(row));
}

function row(take) {
  const text = titleOf(take.job), short = text.slice(0, 80);
  const play = make("button", { type: "button", className: "past", onclick: () => replay(take), title: t("replay", { text: short }) },
    make("b", { textContent: text }), make("span", { textContent: about(take) }), make("span", { className: "clock", textContent: clock(take.seconds) }));
  if (take.id === presented()?.id) play.setAttribute("aria-current", "true");
  const again = () => document.dispatchEvent(new CustomEvent("restore", { detail: take.job }));
  return make("li", {}, play, tool("edit", t("restore", { text: short }), again), tool("save", t("download", { text: short }), () => saveTake(take)),
    tool("bin", t("delete_take", { text: short }), () => remove(take)));
}

function tool(icon, title, onclick) {
  const button = make("button", { type: "button", className: "quiet icon", title, ariaLabel: title, onclick });
  button.innerHTML = `<svg><use href="#i-${icon}"/></svg>`;
  return button;
}

function about({ job: { mode, fields, file } }) {
  const speaker = fields.spk_id && describe(fields.spk_id, languageOf(fields.spk_id));
  return [t(mode), fields.spk_customize ?? speaker ?? file?.name, fields[mode === "instruct" ? "prompt_text" : "exp_name"]].filter(Boolean).join(" · ");
}

function replay(take) {
  if (take.id === presented()?.id) {
    sound.seek(0);
    sound.play();
  } else {
    present(take, { play: true });
  }
  render();
}

async function remove(take) {
  const at = takes.indexOf(take);
  takes = takes.filter((other) => other !== take);
  render();
  ($("takes").children[Math.min(at, takes.length - 1)]?.querySelector("[class*=icon]:last-child") ?? $("speak")).focus();
  await forget(take);
  tabs.postMessage({ takes: true });
}

async function removeAll() {
  if (!confirm(t("history_clear_sure"))) return;
  takes = [];
  render();
  $("speak").focus();
  await db.clear("takes").catch(() => {});
  tabs.postMessage({ takes: true });
}

$("history-clear").addEventListener("click", removeAll);
document.addEventListener("language", render);
document.addEventListener("speakers", render);
tabs.listen(({ takes: changed }) => changed && loadHistory());

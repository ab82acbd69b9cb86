// How the text will be read, asked for while it is being written; shown, what differs from the text has the written form above.
import { ask } from "./api.js";
import { $, make } from "./dom.js";
import { t } from "./i18n.js";
import { recall, remember } from "./store.js";

const REST = 350;                             // ms without a key before the service is asked
const SHORT = 24;                             // characters that stay on one line
const LOOK = 400;                             // characters whose language is asked for while the reading is not shown
let fieldsNow = () => null;                   // set by main.js: the fields of POST /text/preview
let shown = null;                             // {text, speed, answer} or {text, trouble}
let due = 0;
let asking = new AbortController();

export function onReading(fields) {
  fieldsNow = fields;
}

// What is read has changed, or may have.
export function readSoon() {
  clearTimeout(due);
  due = setTimeout(readNow, REST);
}

// The spans of the text, or of its beginning, as the service told last.
export const spans = () => shown?.answer?.spans ?? [];

// Seconds of the text as the service estimates them, null when it has not been asked about this text.
export function readSeconds(text, speed) {
  return shown?.answer && shown.text === text && shown.speed === speed ? shown.answer.seconds : null;
}

async function readNow() {
  asking.abort();
  asking = new AbortController();
  const fields = fieldsNow(), { speed } = fields;
  const text = $("reading").open ? fields.tts_text : fields.tts_text.slice(0, LOOK);
  if (!text.trim()) return show(null);
  try {
    const body = JSON.stringify({ ...fields, tts_text: text }), headers = { "Content-Type": "application/json" };
    const response = await ask("text/preview", { method: "POST", headers, body, signal: asking.signal });
    show(response ? { text, speed, answer: await response.json() } : null);
  } catch (error) {
    if (error.say) show({ text, trouble: error });
    else if (error.name !== "AbortError") throw error;
  }
}

function show(next) {
  shown = next;
  render();
  $("reading").dispatchEvent(new Event("read"));
}

function render() {
  const { answer, trouble } = shown ?? {};
  $("reading-text").replaceChildren(...(answer?.spans ?? []).flatMap(spanOf));
  $("reading-note").classList.toggle("bad", Boolean(trouble));
  const leftOut = answer?.left_out_tags ?? [];
  $("reading-note").textContent = trouble?.say() ?? (leftOut.length ? t("left_out", { names: leftOut.join(", ") }) : "");
}

// A span as it will be spoken; ruby has the written form above where that is another one.
function spanOf({ class: kind, written, spoken, seconds }) {
  if (kind === "pause") return [make("span", { className: "silence", textContent: t("pause_of", { n: seconds }) })];
  if (kind === "text" || kind === "mark") return [spoken];
  const before = spoken.startsWith(" ") ? [" "] : [], className = spoken.length < SHORT ? "short" : "";
  return [...before, make("ruby", { className }, spoken.trim(), make("rt", { textContent: written.trim() }))];
}

$("reading").open = recall("reading") === "open";
$("reading").addEventListener("toggle", () => {
  remember("reading", $("reading").open ? "open" : "closed");
  if ($("reading").open) readNow();
});
document.addEventListener("language", render);

// What is said in the reference, heard by the service where it can: a proposal for the transcript, used only when the
// visitor says so.
import { ask } from "./api.js";
import { $ } from "./dom.js";
import { t } from "./i18n.js";
import { userId } from "./store.js";

let canHear = false;                          // set by main.js: what /ready says
let current = () => null;                     // set by reference.js: gives the recording that is held, or null
let proposed = null;                          // {held, stopper, text: null while it is being heard}

export function onRecording(get) {
  current = get;
}

export function setHearing(able) {
  canHear = able;
  propose();
}

// Hear the recording that is held, once, unless its words are known.
export function propose() {
  const held = current();
  if (proposed && proposed.held !== held) forget();
  if (!proposed && canHear && isWanted(held)) hear(held);
  render();
}

// The recording goes, and with it what was heard.
export function forget() {
  proposed?.stopper.abort();
  proposed = null;
  render();
}

const isWanted = (held) => Boolean(held && !held.script && $("transcript").offsetParent && held.found.every(({ level }) => level !== "bad"));

async function hear(held) {
  const mine = { held, stopper: new AbortController(), text: null };
  proposed = mine;
  mine.text = await transcriptOf(held.file, mine.stopper.signal);
  if (proposed === mine) render();
}

// What the service hears, "" for nothing. A failure is not shown: the words can be written as before.
async function transcriptOf(file, signal) {
  const body = new FormData();
  for (const [name, value] of Object.entries({ user_id: userId(), transcribe: "True" })) body.append(name, value);
  body.append("prompt_speech_16k", file.blob, file.name);
  try {
    const answer = await ask("voices/doctor", { method: "POST", body, signal });
    return (answer && (await answer.json()).transcript?.text) || "";
  } catch (error) {
    if (!error.say && error.name !== "AbortError") throw error;
    return "";
  }
}

// A proposal that says what the field says is none.
export function sentenceFor(proposal, written) {
  if (!proposal || proposal.text === "" || proposal.text === written.trim()) return "";
  return proposal.text === null ? t("hearing") : t("heard", { text: proposal.text });
}

function render() {
  const sentence = sentenceFor(proposed, $("transcript").value), line = $("proposal").firstElementChild;
  $("proposal").hidden = !sentence;
  if (line.textContent !== sentence) line.textContent = sentence;
  $("proposal-use").hidden = !proposed?.text;
}

$("proposal-use").addEventListener("click", () => {
  $("transcript").value = proposed.text;
  $("transcript").dispatchEvent(new Event("input", { bubbles: true }));
  $("transcript").focus();
});
$("transcript").addEventListener("input", render);
for (const event of ["mode", "language"]) document.addEventListener(event, propose);

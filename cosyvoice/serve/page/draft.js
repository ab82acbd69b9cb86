// The draft: what was written and chosen stays in this browser until the next visit.
import { $ } from "./dom.js";
import { recall, remember } from "./store.js";
import { STRINGS } from "./strings.js";

const CONTROLS = ["text", "instruction", "seed", "speed", "format"];
const REST = 300;                             // ms without a key before it is kept
let due = 0;

const modes = () => [...document.querySelectorAll("[name=mode]")];
// The page's own text is not a draft: it follows the language.
const isOwn = (text) => [...STRINGS.default_text, ...STRINGS.default_cross].includes(text);

export function keepDraft() {
  clearTimeout(due);
  due = setTimeout(keepNow, REST);
}

function keepNow() {
  const draft = Object.fromEntries(CONTROLS.map((id) => [id, $(id).value]));
  if (isOwn(draft.text)) delete draft.text;
  remember("draft", JSON.stringify({ ...draft, mode: modes().find((radio) => radio.checked).value }));
}

export function restoreDraft() {
  const draft = read();
  for (const id of CONTROLS) if (draft[id] !== undefined) $(id).value = draft[id];
  const radio = modes().find(({ value }) => value === draft.mode);
  if (radio) radio.checked = true;
}

function read() {
  try {
    return JSON.parse(recall("draft")) ?? {};
  } catch {
    return {};                                // another version of the page has written it
  }
}

addEventListener("pagehide", keepNow);

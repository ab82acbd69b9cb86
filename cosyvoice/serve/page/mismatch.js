// A hint where the text is in another language than the voice, with a voice that fits.
import { $ } from "./dom.js";
import { t } from "./i18n.js";
import { mode } from "./composer.js";
import { spans } from "./reading.js";
import { languageName } from "./speakers.js";
import { choose, voiceFor, voiceLanguage } from "./voices.js";

const SHARE = 0.6;                            // of the text's letters, to call it a language's

let fitting = null;                           // a voice of the text's language

// The language of most of the text; "" where none has most of it.
function textLanguage() {
  const sizes = {};
  for (const { class: kind, language, written } of spans()) {
    if (kind === "text") sizes[language] = (sizes[language] ?? 0) + (written.match(/\p{L}/gu) ?? []).length;
  }
  const all = Object.values(sizes).reduce((sum, size) => sum + size, 0);
  return Object.keys(sizes).find((language) => sizes[language] > SHARE * all) ?? "";
}

export function renderMismatch() {
  const text = textLanguage(), voice = ["sft", "instruct"].includes(mode()) ? voiceLanguage() : "";
  const differs = Boolean(text && voice && text !== voice);
  fitting = differs ? voiceFor(text) : null;
  const sentence = differs ? t("mismatch", { text: languageName(text), voice: languageName(voice) }) : "";
  $("mismatch").hidden = !differs;
  if ($("mismatch").firstElementChild.textContent !== sentence) $("mismatch").firstElementChild.textContent = sentence;
  $("mismatch-use").hidden = !fitting;
  $("mismatch-use").textContent = fitting ? t("mismatch_use", { language: languageName(text) }) : "";
}

$("mismatch-use").addEventListener("click", () => choose({ speaker: fitting }));
$("reading").addEventListener("read", renderMismatch);
for (const event of ["mode", "voice", "language"]) document.addEventListener(event, renderMismatch);

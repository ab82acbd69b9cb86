// What the visitor wants: reads the form into a job, says what is missing, and fills the form with a job again.
import { $ } from "./dom.js";
import { t } from "./i18n.js";
import { MODES } from "./job.js";
import { putBack, recording, referenceFile, show as showReference } from "./reference.js";
import { changing, putSourceBack, sourceFile } from "./source.js";
import { STRINGS } from "./strings.js";
import { userId } from "./store.js";
import { choose, ownVoices, voiceChosen, voiceFields, voiceReading } from "./voices.js";
import { wordFields } from "./words.js";

const BAD_NAME = /[/\\:*?"<>|\u0000-\u001f]|^\.|\.$/;
const LARGEST_SEED = 2 ** 32 - 1;
let directing = null;                         // what /instructions says
let mayReplace = "";                          // the saved voice that the visitor lets be replaced

export const mode = () => document.querySelector("[name=mode]:checked").value;
const mayTakeRecording = () => mode() === "change" || (mode() === "instruct" && Boolean(directing?.with_recording));
// The voice is that of a recording: always, or where there is one.
const cloning = () => ["clone", "cross"].includes(mode()) || (mayTakeRecording() && (Boolean(referenceFile()) || recording()));

export function setDirecting(answer) {
  directing = answer;
  renderMode();
}

export function allowReplacing(name) {
  mayReplace = name;
}

// The first thing that is missing: {key, control}, or null. withText: false for what only the voice is wanted of.
export function missing({ withText = true } = {}) {
  const seed = Number($("seed").value || 0), name = keepName();
  const wanted = [
    [!withText || mode() === "change" || $("text").value.trim(), "need_text", "text"],
    [!withText || mode() !== "change" || (sourceFile() && !changing()), "need_source", changing() ? "source-record-stop" : "source-record"],
    [cloning() || voiceChosen(), "need_speaker", "speaker"],
    [mode() !== "instruct" || $("instruction").value.trim(), "need_instruction", "instruction"],
    [!cloning() || (referenceFile() && !recording()), "need_reference", recording() ? "record-stop" : "record"],
    [mode() !== "clone" || $("transcript").value.trim(), "need_transcript", "transcript"],
    [!BAD_NAME.test(name), "need_keep", "keep"],
    [!ownVoices().includes(name) || name === mayReplace, "need_replace", "keep"],
    [!cloning() || $("consent").checked, "need_consent", "consent"],
    [Number.isInteger(seed) && seed >= 0 && seed <= LARGEST_SEED, "need_seed", "seed"],
  ].find(([there]) => !there);
  return wanted ? { key: wanted[1], control: $(wanted[2]) } : null;
}

// The name under which the voice is kept, "" for none.
export const keepName = () => (mode() === "clone" ? $("keep").value.trim() : "");

export function readJob() {
  const file = cloning() ? referenceFile() : null;
  if (mode() === "change") return { mode: "change", fields: { ...(cloning() ? { user_id: userId() } : voiceFields()), ...howFields() }, file, source: sourceFile() };
  return { mode: mode(), fields: { mode: MODES[mode()], tts_text: $("text").value, ...wordFields(), ...modeFields(), ...howFields() }, file };
}

// {fields, file}: the voice and the manner that are chosen, for a text that is written elsewhere.
export function readVoice() {
  const file = cloning() ? referenceFile() : null;
  const kind = mode() !== "change" ? mode() : file ? "cross" : "sft";         // the voice changer's voice reads aloud
  return { fields: { mode: MODES[kind], ...modeFields(kind), ...howFields() }, file };
}

const howFields = () => ({ seed: Number($("seed").value || 0), speed: Number($("speed").value), stream: $("format").value === "mp3" ? "True" : "False" });

function modeFields(kind = mode()) {
  if (kind === "sft") return voiceFields();
  if (kind === "instruct") return { ...(cloning() ? { user_id: userId() } : voiceFields()), prompt_text: $("instruction").value.trim() };
  const cloned = { user_id: userId(), consent: t("consent") };
  if (kind === "cross") return cloned;
  return { ...cloned, prompt_text: $("transcript").value.trim(), ...(keepName() && { exp_name: keepName() }) };
}

// What decides how the text is read.
export function readingFields() {
  const voice = { clone: { prompt_text: $("transcript").value.trim() }, cross: {} }[mode()] ?? voiceReading();
  return { tts_text: $("text").value, speed: Number($("speed").value), ...wordFields(), ...voice };
}

// Fill the form with a job that was spoken before. Consent is asked anew.
export async function restore({ mode: kind, fields, file, source }) {
  document.querySelector(`[name=mode][value=${kind}]`).checked = true;
  $("text").value = fields.tts_text ?? $("text").value;
  $("seed").value = fields.seed;
  $("speed").value = fields.speed;
  $("format").value = fields.stream === "True" ? "mp3" : "wav";
  if (kind === "instruct") $("instruction").value = fields.prompt_text;
  if (fields.spk_customize || fields.spk_id) choose(fields.spk_customize ? { own: fields.spk_customize } : { speaker: fields.spk_id });
  if (source) await putSourceBack(source);
  if (file) await putBack(file, kind === "clone" ? fields.prompt_text : "");
  for (const id of ["text", "speed"]) $(id).dispatchEvent(new Event("input", { bubbles: true }));
  renderMode();
}

export function chooseMode(next) {
  document.querySelector(`[name=mode][value=${next}]`).checked = true;
  renderMode();
}

// Show what belongs to the mode; the page does the rest (event "mode").
export function renderMode() {
  for (const part of document.querySelectorAll("[data-modes]")) part.hidden = !part.dataset.modes.split(" ").includes(mode());
  if (mayTakeRecording()) $("reference").hidden = false;
  defaultText();
  showReference();
  document.dispatchEvent(new Event("mode"));
}

// Text that nobody has touched follows the language and the mode.
function defaultText() {
  const own = [...STRINGS.default_text, ...STRINGS.default_cross, ""];
  if (own.includes($("text").value)) $("text").value = t(mode() === "cross" ? "default_cross" : "default_text");
}

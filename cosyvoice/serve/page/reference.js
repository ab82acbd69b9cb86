// The reference: the recording whose voice is cloned, what is said in it, and whose it is.
import { ask } from "./api.js";
import { RecordingBox } from "./box.js";
import { bestPart, findings, LONGEST, measure, transcriptFinding } from "./doctor.js";
import { $ } from "./dom.js";
import { t } from "./i18n.js";
import { complain, hide } from "./notice.js";
import { forget, onRecording, propose } from "./proposal.js";

const MARGIN = 0.5;                           // seconds over LONGEST that need no cut

const box = new RecordingBox($("reference-box"), {
  field: "prompt_speech_16k",
  longest: LONGEST,
  script: () => t("script"),
  look,
  findings: (held) => [...held.found, ...transcriptFindings(held)],
  unseen: askDoctor,
});
let sampleNow = null;                         // set by main.js: async () => {sound, text}: a sample of the model's own voice

export const referenceFile = () => box.file;
export const recording = () => box.recording;
export const show = () => box.show();

export function onSample(sample) {
  sampleNow = sample;
  $("sample").hidden = !sample;
}

// What of a recording is used: all, or of a long one the part with the most speech.
function look(samples, rate) {
  const measured = measure(samples, rate);
  if (measured.seconds <= LONGEST + MARGIN) return { samples, measured, found: findings(measured) };
  const [from, to] = bestPart(measured), part = samples.slice(Math.round(from * rate), Math.round(to * rate));
  const ofPart = measure(part, rate);
  return { samples: part, measured: ofPart, found: findings(ofPart, { from, to, all: measured.seconds }) };
}

function transcriptFindings({ measured }) {
  const finding = measured && $("transcript").offsetParent ? transcriptFinding(measured, $("transcript").value) : null;
  return finding ? [finding] : [];
}

// What the browser cannot decode, the service looks at.
async function askDoctor(file) {
  const body = new FormData();
  body.append("prompt_speech_16k", file, file.name);
  const response = await ask("voices/doctor", { method: "POST", body }).catch(() => null);
  const advice = response ? (await response.json()).advice.map(({ level, message }) => ({ level, message })) : [];
  return advice.length ? advice : [{ level: "warn", key: "look_unknown", values: {} }];
}

// Something to clone for who has no recording: a sentence by the model's own voice, with its words.
async function trySample() {
  if ($("sample").ariaBusy === "true") return;
  hide();
  $("sample").ariaBusy = "true";
  try {
    const { sound, text } = await sampleNow();
    await box.accept(new File([sound], "sample.mp3", { type: sound.type }), { script: text });
    $("consent").checked = true;              // nobody's voice
  } catch (error) {
    if (!error.say) throw error;
    complain(error);
  } finally {
    $("sample").ariaBusy = "false";
  }
}

// A kept take's recording and words, to be used once more.
export const putBack = ({ blob, name }, script = "") => box.accept(new File([blob], name, { type: blob.type }), { script });

// What was written belongs to the recording that goes.
box.addEventListener("begin", () => {
  forget();
  for (const id of ["transcript", "keep"]) $(id).value = "";
  $("consent").checked = false;
  $("keep").dispatchEvent(new Event("input", { bubbles: true }));
});
// A sentence that was read aloud, or that came with the recording, is what is said in it.
box.addEventListener("change", () => {
  if (box.held?.script) $("transcript").value = box.held.script;
  propose();
});
onRecording(() => box.held);
$("sample").addEventListener("click", trySample);
$("transcript").addEventListener("input", () => box.held && box.showLook());

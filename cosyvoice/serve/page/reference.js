// The reference recording: from the microphone, a file or a drop; looked at, heard again, and handed over as a file.
import { ask, Trouble } from "./api.js";
import { decode, joinSamples, mono, peaks, resample, wav } from "./audio.js";
import { bestPart, findings, LONGEST, measure, transcriptFinding } from "./doctor.js";
import { $, clock, make, setIcon } from "./dom.js";
import { half, t } from "./i18n.js";
import { complain, hide } from "./notice.js";
import { hush } from "./player.js";
import { Recorder } from "./recorder.js";
import { STRINGS } from "./strings.js";
import { drawWave } from "./wave.js";

const RATE = 24000;                           // Hz of what is sent: more than the model hears
const MOST_MB = 20;                           // the service takes no larger body
const KINDS = /\.(wav|mp3|flac|ogg|oga|opus|m4a|mp4|aac|webm)$/i;

let held = null;                              // {file: {blob, name}, measured, found, peaks, seconds}
let recorder = null;
let recorded = 0;                             // seconds
let generation = 0;                           // counts files, so that a slow look at an old one is dropped

export const referenceFile = () => held?.file ?? null;
export const referenceUsable = () => Boolean(held) && !held.found.some(({ level }) => level === "bad");
export const recording = () => Boolean(recorder);

// ---- from the microphone

async function record() {
  hide();
  hush();
  const mine = new Recorder(heard, () => { complain(new Trouble(() => t("mic_gone"))); finish(); });
  $("record").disabled = true;
  try {
    await mine.start();
  } catch (error) {
    return complain(error);
  } finally {
    $("record").disabled = false;
  }
  [recorder, recorded] = [mine, 0];
  drop();
  show();
  $("record-stop").focus();
}

function heard(block, rate) {
  recorded += block.length / rate;
  const power = block.reduce((sum, x) => sum + x * x, 0) / block.length;
  const level = Math.round(Math.max(0, Math.min(1, (10 * Math.log10(power + 1e-10) + 60) / 55)) * 100);
  $("level").setAttribute("aria-valuenow", level);
  $("level").classList.toggle("hot", Math.max(...block.map(Math.abs)) > 0.98);
  $("level").firstElementChild.style.transform = `scaleX(${level / 100})`;
  $("clock").textContent = t("time_left", { now: clock(recorded), left: clock(LONGEST - recorded) });
  if (recorded >= LONGEST) finish();
}

async function finish() {
  if (!recorder) return;
  const mine = recorder;
  recorder = null;
  const { samples, rate } = await mine.stop();
  await hold(await resample(samples.length ? samples : joinSamples([new Float32Array(1)]), rate, RATE), "recording.wav");
  if (writtenByPage()) $("transcript").value = t("script");
  show();
  $("look-play").focus();
}

// The transcript is empty or the sentence this page gave to read.
const writtenByPage = () => ["", ...STRINGS.script].includes($("transcript").value.trim());

// ---- from a file

async function accept(file) {
  hide();
  const wrong = refusal(file);
  if (wrong) return complain(new Trouble(() => t(wrong, { name: file.name, most: MOST_MB }), { field: "prompt_speech_16k" }));
  if (writtenByPage()) $("transcript").value = "";
  const mine = ++generation;
  const buffer = await file.arrayBuffer().then((data) => decode(new Uint8Array(data), RATE)).catch(() => null);
  if (mine !== generation) return;
  if (!buffer) await holdUnseen(file, mine);
  else if (buffer.duration > LONGEST) await hold(mono(buffer), file.name.replace(/\.\w+$/, "") + ".wav");
  else await hold(mono(buffer), file.name, file);
  show();
}

function refusal(file) {
  if (!KINDS.test(file.name) && !file.type.startsWith("audio/")) return "file_kind";
  if (!file.size) return "file_empty";
  return file.size > MOST_MB * 1e6 ? "file_big" : null;
}

// What the browser cannot decode, the service looks at.
async function holdUnseen(file, mine) {
  const body = new FormData();
  body.append("prompt_speech_16k", file, file.name);
  const response = await ask("voices/doctor", { method: "POST", body }).catch(() => null);
  const advice = response ? (await response.json()).advice.map(({ level, message }) => ({ level, message })) : [];
  const found = advice.length ? advice : [{ level: "warn", key: "look_unknown", values: {} }];
  if (mine === generation) keep({ file: { blob: file, name: file.name }, measured: null, found, peaks: [], seconds: 0 });
}

// ---- the look at it

// Hold samples at RATE as the reference; `file` is what to send when they need no change.
async function hold(samples, name, file = null) {
  let measured = measure(samples, RATE), cut = null;
  if (measured.seconds > LONGEST + 0.5) {
    const [from, to] = bestPart(measured);
    cut = { from, to, all: measured.seconds };
    samples = samples.slice(Math.round(from * RATE), Math.round(to * RATE));
    measured = measure(samples, RATE);
  }
  const blob = file ?? wav(samples, RATE);
  keep({ file: { blob, name }, measured, found: findings(measured, cut), peaks: peaks(samples, RATE), seconds: measured.seconds });
}

function keep(next) {
  generation += 1;
  drop();
  held = next;
  $("look-audio").src = URL.createObjectURL(next.file.blob);
}

function drop() {
  if ($("look-audio").src) URL.revokeObjectURL($("look-audio").src);
  $("look-audio").removeAttribute("src");
  if (held) $("consent").checked = false;     // it was given for that voice
  held = null;
}

export function show() {
  $("drop").hidden = Boolean(recorder);
  $("recording").hidden = !recorder;
  $("look").hidden = !held;
  $("record").lastElementChild.textContent = t(held ? "record_again" : "record");
  $("choose").lastElementChild.textContent = t(held ? "choose_other" : "choose");
  $("script").textContent = t("script");
  if (held) showLook();
}

function showLook() {
  const fits = held.measured && $("transcript").offsetParent ? transcriptFinding(held.measured, $("transcript").value) : null;
  $("look-length").textContent = held.seconds ? clock(held.seconds) : held.file.name;
  $("findings").replaceChildren(...[...held.found, ...(fits ? [fits] : [])].map(({ level, key, values, message }) =>
    make("li", { className: level }, make("span", { className: "unseen", textContent: `${t(`mark_${level}`)}: ` }), message ? half(message) : t(key, values))));
  drawLook();
}

function drawLook() {
  const { currentTime } = $("look-audio");
  if (held) drawWave($("look-wave"), { peaks: held.peaks, all: held.seconds, made: held.seconds, now: currentTime });
}

function listen() {
  const audio = $("look-audio");
  if (!audio.paused) return audio.pause();
  audio.play().catch(() => complain(new Trouble(() => t("undecodable"))));
}

$("record").addEventListener("click", record);
$("record-stop").addEventListener("click", finish);
$("choose").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", ({ target }) => { if (target.files[0]) accept(target.files[0]); target.value = ""; });
$("look-play").addEventListener("click", listen);
$("look-drop").addEventListener("click", () => { generation += 1; drop(); show(); $("record").focus(); });
$("transcript").addEventListener("input", () => held && showLook());
for (const event of ["play", "pause", "ended"]) {
  $("look-audio").addEventListener(event, () => setIcon($("look-play"), $("look-audio").paused ? "play" : "pause"));
}
$("look-audio").addEventListener("timeupdate", drawLook);
for (const event of ["dragover", "dragleave", "drop"]) {
  $("reference").addEventListener(event, (moved) => {
    moved.preventDefault();
    $("drop").classList.toggle("over", event === "dragover");
    if (event === "drop" && moved.dataTransfer.files[0] && !recorder) accept(moved.dataTransfer.files[0]);
  });
}
for (const event of ["dragover", "drop"]) {   // a file that misses its place would be opened instead of the page
  addEventListener(event, (moved) => moved.dataTransfer?.types.includes("Files") && moved.preventDefault());
}
document.addEventListener("language", show);
addEventListener("resize", drawLook);

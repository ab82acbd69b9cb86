// The page: lets what the visitor wants be spoken, and says what happened.
import { ask, Trouble } from "./api.js";
import { renderModel } from "./about.js";
import { allowReplacing, chooseMode, keepName, missing, mode, readingFields, readJob, readVoice, renderMode, restore, setDirecting } from "./composer.js";
import { $, make } from "./dom.js";
import { stopMaking } from "./downloads.js";
import { keepDraft, restoreDraft } from "./draft.js";
import { duration, t, translate } from "./i18n.js";
import { estimateSeconds } from "./job.js";
import { mountJobs } from "./jobs.js";
import { addToHistory, loadHistory, render as renderHistory } from "./history.js";
import { complain, hide, notice } from "./notice.js";
import { present, presented, sound } from "./player.js";
import { onReading, readSeconds, readSoon } from "./reading.js";
import { setHearing } from "./proposal.js";
import { onSample } from "./reference.js";
import { offerShelf } from "./shelf.js";
import { speak } from "./speech.js";
import { Take } from "./take.js";
import { choose, loadVoices, ownVoices, reloadOwn, sampleVoice, voiceKept, voicesLoaded } from "./voices.js";
import { loadWords } from "./words.js";
import { renderExamples } from "./examples.js";
import "./dialogs.js";
import "./mismatch.js";
import "./writing.js";

let stopper = null;                           // of the request being made
let machine = null;                           // what /ready says
let directing = null;                         // what /instructions says

// ---- speaking

async function start() {
  if (keepName()) await reloadOwn().catch(() => {});          // another device may have saved that name; speaking will tell what is wrong
  const lack = missing();
  if (lack) return complainOf(lack);
  const take = new Take(readJob()), { tts_text: text, speed } = take.job.fields;
  take.estimate = (text && readSeconds(text, speed)) ?? take.estimate;
  run(take);
}

// The voice for a long text, which is written elsewhere; null when something is missing.
function voiceOfJob() {
  const lack = missing({ withText: false });
  if (lack) complainOf(lack);
  return lack ? null : readVoice();
}

function complainOf({ key, control }) {
  const name = keepName();
  const replace = { key: "replace", run: () => { allowReplacing(name); start(); } };
  notice(() => t(key, { name }), { control, actions: key === "need_replace" ? [replace] : [] });
}

async function run(take) {
  hide();
  stopper?.abort();
  stopper = new AbortController();
  const mine = stopper;
  if (presented() !== take || sound.take !== take || sound.ended) present(take, { fresh: true });
  renderSpeak();
  $("player").scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  try {
    await speak(take, mine.signal);
    if (take.state === "done" && take.job.fields.exp_name) await kept(take.job.fields.exp_name);
  } catch (error) {
    if (!error.say) throw error;
    troubled(take, error);
  } finally {
    if (stopper === mine) stopper = null;
    if (sound.take === take && take.parts.length && take.state !== "lost") sound.finish();
    if (sound.take === take && take.state === "failed") sound.close();
    addToHistory(take);
    renderHistory();
    renderSpeak();
  }
}

function troubled(take, error) {
  const again = { key: "again", run: start, ...(error.retryAfter && { after: error.retryAfter }) };
  const goOn = { key: "go_on", run: () => goOnWith(take) }, over = { key: "start_over", run: () => run(new Take(take.job)) };
  if (error.code === "lost") return complain(error, take.streamed ? [goOn, over] : [over]);
  const later = ["unreachable", "no_key", ""].includes(error.code) || error.status >= 500;
  complain(error, later ? [again] : [], mode() === "instruct");
  if (error.field === "spk_customize") reloadOwn().catch(complain);
}

// The voice is saved before the first sound, so going on does not save it again.
function goOnWith(take) {
  delete take.job.fields.exp_name;
  take.begin();
  run(take);
}

async function kept(name) {
  allowReplacing(name);                       // the same recording again is the same voice
  await voiceKept(name);
  const use = () => { chooseMode("sft"); choose({ own: name }); $("composer").scrollIntoView({ block: "nearest" }); $("text").focus(); };
  notice(() => t("kept", { name }), { good: true, actions: [{ key: "use_kept", run: use }] });
}

// One sentence of a take once more, with another seed; it keeps no voice.
function respeak(job) {
  const { exp_name, consent, ...fields } = job.fields;
  run(new Take({ ...job, fields: { ...fields, seed: anySeed() } }));
}

async function fillAgain(job) {
  hide();
  await restore(job);
  $("composer").scrollIntoView({ block: "start" });
  (mode() === "change" ? $("speak") : $("text")).focus({ preventScroll: true });
}

function stop() {
  stopMaking();
  stopper?.abort();
  sound.pause();
}

const anySeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % 1000000;

// ---- what is shown

function renderCount() {
  const text = $("text").value, n = [...text.trim()].length;
  const speed = Number($("speed").value), seconds = duration(readSeconds(text, speed) ?? estimateSeconds(text, speed));
  const most = machine?.max_text_chars ?? Infinity, over = n > most;
  $("count").classList.toggle("bad", over);
  $("count").textContent = over ? t("count_over", { n, most }) : n > 1 ? t("count", { n, seconds }) : t(n ? "count_one" : "count_none");
}

function renderSpeak() {
  const making = Boolean(stopper);
  $("speak").classList.toggle("stop", making);
  $("speak").querySelector("use").setAttribute("href", making ? "#i-stop" : mode() === "change" ? "#i-change" : "#i-speak");
  $("speak").lastElementChild.textContent = t(making ? "stop" : { clone: "speak_clone", change: "speak_change" }[mode()] ?? "speak");
}

function renderOptions() {
  const speed = Number($("speed").value);
  $("speed-value").textContent = t("speed_value", { n: speed.toFixed(2).replace(/0$/, "") });
  renderCount();
}

function renderKeep() {
  const name = $("keep").value.trim();
  $("keep-note").hidden = !ownVoices().includes(name);
  $("keep-note").textContent = t("keep_replaces", { name });
}


function renderMachine() {
  const { state, model: name, sample_rate: rate, device, real_time_factor: rtf } = machine ?? {};
  $("status").toggleAttribute("data-state", Boolean(state));
  if (state) $("status").dataset.state = state;
  $("status").replaceChildren(make("span", { textContent: state ? t(state) : "" }), make("span", { className: "wide", textContent: name ? `· ${name}` : "" }));
  $("machine").textContent = rate ? [t("machine", { name, rate, device }), rtf ? t("machine_rtf", { n: rtf.toFixed(2) }) : ""].filter(Boolean).join(" · ") : "";
  renderModel(name);
}

// ---- the service

// Ask until the model is ready; the voices are told before that.
async function connect() {
  try {
    const ready = await ask("ready");
    machine = ready && { state: "ready", ...(await ready.json()) };
  } catch (error) {
    if (error.code === "no_key") return complain(error, [{ key: "again", run: connect }]);
    machine = { state: error.status === 503 ? "loading" : "offline" };
    setTimeout(connect, 2000);
  }
  renderMachine();
  renderCount();
  setHearing(Boolean(machine?.can_hear));
  if (machine?.state === "offline") return;
  if (!voicesLoaded()) await Promise.all([loadVoices().catch(voicesFailed), loadWords().catch(complain), learnEndpoints()]);
  onSample(sampleVoice());
  if (!directing) await loadInstructions().catch(complain);
}

async function loadInstructions() {
  const response = await ask("instructions");
  directing = response ? await response.json() : {};
  renderExamples(directing.instructions);
  setDirecting(directing);
}

// What the service cannot do is not offered.
async function learnEndpoints() {
  const response = await ask("openapi.json").catch(() => null);
  const { paths = {} } = response ? await response.json() : {};
  $("jobs").hidden = !paths["/jobs"];
  offerShelf(paths);
}

function voicesFailed(error) {
  complain(error.say ? error : new Trouble(() => t("speakers_failed")), [{ key: "again", run: connect }]);
}

// What belongs to the visitor's id.
function reload() {
  reloadOwn().catch(complain);
  loadWords().catch(complain);
}

// Esc stops, wherever the focus is; in a dialog it closes that.
function pressed(event) {
  if (event.isComposing) return;              // Esc and Enter belong to the input method
  if (event.key === "Escape" && !document.querySelector("dialog[open]") && (stopper || sound.playing)) stop();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !stopper && $("composer").contains(event.target)) start();
}

onReading(readingFields);
mountJobs($("jobs"), voiceOfJob);
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  if (stopper) stop();
  else start();
});
$("halt").addEventListener("click", stop);
for (const choice of document.querySelectorAll("[name=mode]")) choice.addEventListener("change", () => { hide(); renderMode(); });
for (const event of ["input", "change"]) $("composer").addEventListener(event, () => { readSoon(); keepDraft(); });
$("text").addEventListener("input", renderCount);
$("reading").addEventListener("read", renderCount);
$("speed").addEventListener("input", renderOptions);
$("keep").addEventListener("input", renderKeep);
$("dice").addEventListener("click", () => { $("seed").value = anySeed(); keepDraft(); });
document.addEventListener("keydown", pressed);
document.addEventListener("mode", () => { renderCount(); readSoon(); renderSpeak(); });
document.addEventListener("words", readSoon);
document.addEventListener("user", reload);
document.addEventListener("respeak", ({ detail }) => respeak(detail));
document.addEventListener("restore", ({ detail }) => fillAgain(detail));
document.addEventListener("language", () => {
  renderMode();
  renderOptions();
  renderExamples(directing?.instructions);
  renderKeep();
  renderMachine();
});
addEventListener("online", () => machine?.state === "offline" && connect());

restoreDraft();
translate();
loadHistory();
connect();

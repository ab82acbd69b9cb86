// The page: reads what the visitor wants, lets it be spoken, and says what happened.
import { ask, onKeyWanted, Trouble } from "./api.js";
import { $, make } from "./dom.js";
import { duration, language, setLanguage, t, translate } from "./i18n.js";
import { estimateSeconds, MODES } from "./job.js";
import { mountJobs } from "./jobs.js";
import { addToHistory, render as renderHistory } from "./history.js";
import { complain, hide, notice } from "./notice.js";
import { present, presented, sound } from "./player.js";
import { onReading, readSeconds, readSoon } from "./reading.js";
import { recording, referenceFile, referenceUsable, show as showReference } from "./reference.js";
import { speak } from "./speech.js";
import { recall, remember, userId } from "./store.js";
import { STRINGS } from "./strings.js";
import { tabs } from "./tabs.js";
import { Take } from "./take.js";
import { chooseOwn, loadVoices, ownVoices, reloadOwn, voiceChosen, voiceFields, voiceKept, voiceReading, voicesLoaded } from "./voices.js";
import { loadWords, wordFields } from "./words.js";

const BAD_NAME = /[/\\:*?"<>|\u0000-\u001f]|^\.|\.$/;
const LARGEST_SEED = 2 ** 32 - 1;
let stopper = null;                           // of the request being made
let machine = null;                           // what /ready says
let directing = null;                         // what /instructions says

const mode = () => document.querySelector("[name=mode]:checked").value;
const mayDirectRecording = () => mode() === "instruct" && Boolean(directing?.with_recording);
// The voice is that of a recording: always, or where there is one.
const cloning = () => ["clone", "cross"].includes(mode()) || (mayDirectRecording() && (Boolean(referenceFile()) || recording()));

// ---- what is asked

// The first thing that is missing: {key, control}, or null.
function missing({ withText = true } = {}) {
  const seed = Number($("seed").value || 0);
  const wanted = [
    [withText ? $("text").value.trim() : "ok", "need_text", "text"],
    [!cloning() && !voiceChosen() ? "" : "ok", "need_speaker", "speaker"],
    [mode() === "instruct" ? $("instruction").value.trim() : "ok", "need_instruction", "instruction"],
    [cloning() && (!referenceFile() || recording()) ? "" : "ok", "need_reference", recording() ? "record-stop" : "record"],
    [mode() === "clone" ? $("transcript").value.trim() : "ok", "need_transcript", "transcript"],
    [mode() === "clone" && BAD_NAME.test($("keep").value.trim()) ? "" : "ok", "need_keep", "keep"],
    [cloning() ? $("consent").checked : "ok", "need_consent", "consent"],
    [Number.isInteger(seed) && seed >= 0 && seed <= LARGEST_SEED, "need_seed", "seed"],
  ].find(([there]) => !there);
  return wanted ? { key: wanted[1], control: $(wanted[2]) } : null;
}

function readJob() {
  const fields = { mode: MODES[mode()], tts_text: $("text").value, ...wordFields(), ...modeFields(),
    seed: Number($("seed").value || 0), speed: Number($("speed").value), stream: $("stream").checked ? "True" : "False" };
  return { mode: mode(), fields, file: cloning() ? referenceFile() : null };
}

function modeFields() {
  if (mode() === "sft") return voiceFields();
  if (mode() === "instruct") return { ...(cloning() ? { user_id: userId() } : voiceFields()), prompt_text: $("instruction").value.trim() };
  const cloned = { user_id: userId(), consent: t("consent") };
  if (mode() === "cross") return cloned;
  const name = $("keep").value.trim();
  return { ...cloned, prompt_text: $("transcript").value.trim(), ...(name && { exp_name: name }) };
}

// The voice and manner for a text of its own; null when something is missing.
function voiceOfJob() {
  const lack = missing({ withText: false });
  if (lack) notice(() => t(lack.key), { control: lack.control });
  return lack ? null : readJob();
}

// What decides how the text is read.
function readingFields() {
  const voice = { clone: { prompt_text: $("transcript").value.trim() }, cross: {} }[mode()] ?? voiceReading();
  return { tts_text: $("text").value, speed: Number($("speed").value), ...wordFields(), ...voice };
}

// ---- speaking

function start() {
  const lack = missing();
  if (lack) return notice(() => t(lack.key), { control: lack.control });
  const take = new Take(readJob()), { tts_text: text, speed } = take.job.fields;
  take.estimate = readSeconds(text, speed) ?? take.estimate;
  run(take);
}

async function run(take) {
  hide();
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
  await voiceKept(name);
  const use = () => { chooseMode("sft"); chooseOwn(name); $("composer").scrollIntoView({ block: "nearest" }); $("text").focus(); };
  notice(() => t("kept", { name }), { good: true, actions: [{ key: "use_kept", run: use }] });
}

function stop() {
  stopper.abort();
  sound.pause();
}

// ---- what is shown

function chooseMode(next) {
  document.querySelector(`[name=mode][value=${next}]`).checked = true;
  renderMode();
}

function renderMode() {
  for (const part of document.querySelectorAll("[data-modes]")) part.hidden = !part.dataset.modes.split(" ").includes(mode());
  if (mayDirectRecording()) $("reference").hidden = false;
  defaultText();
  readSoon();
  showReference();
  renderSpeak();
}

// Text that nobody has touched follows the language and the mode.
function defaultText() {
  const own = [...STRINGS.default_text, ...STRINGS.default_cross, ""];
  if (own.includes($("text").value)) $("text").value = t(mode() === "cross" ? "default_cross" : "default_text");
  renderCount();
}

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
  $("speak").querySelector("use").setAttribute("href", making ? "#i-stop" : "#i-speak");
  $("speak").lastElementChild.textContent = t(making ? "stop" : mode() === "clone" ? "speak_clone" : "speak");
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

// What the model is known to follow, else examples.
function renderExamples() {
  const keys = Object.keys(STRINGS).filter((name) => name.startsWith("example_"));
  const known = (directing?.instructions ?? []).map(({ text, en, zh }) => [language() === "zh" ? zh : en, text]);
  const shown = known.length ? known : keys.map((name) => [t(name), t(name)]);
  $("examples").replaceChildren(...shown.map(([name, words]) => make("button", { type: "button", className: "chip", textContent: name, title: words,
    onclick: () => { $("instruction").value = words; hide(); } })));
}

function renderMachine() {
  const { state, model: name, sample_rate: rate, device, real_time_factor: rtf } = machine ?? {};
  $("status").toggleAttribute("data-state", Boolean(state));
  if (state) $("status").dataset.state = state;
  $("status").replaceChildren(make("span", { textContent: state ? t(state) : "" }), make("span", { className: "wide", textContent: name ? `· ${name}` : "" }));
  $("machine").textContent = rate ? [t("machine", { name, rate, device }), rtf ? t("machine_rtf", { n: rtf.toFixed(2) }) : ""].filter(Boolean).join(" · ") : "";
}

document.addEventListener("language", () => {
  $("language").textContent = t("other_language");
  $("language").lang = language() === "zh" ? "en" : "zh-CN";
  renderMode();
  renderOptions();
  renderExamples();
  renderKeep();
  renderMachine();
});

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
  if (machine?.state === "offline") return;
  if (!voicesLoaded()) await Promise.all([loadVoices().catch(voicesFailed), loadWords().catch(complain)]);
  if (!directing) await loadInstructions().catch(complain);
}

async function loadInstructions() {
  const response = await ask("instructions");
  directing = response ? await response.json() : {};
  renderExamples();
  renderMode();
}

function voicesFailed(error) {
  complain(error.say ? error : new Trouble(() => t("speakers_failed")), [{ key: "again", run: connect }]);
}

// ---- dialogs

function askForKey(wasWrong) {
  $("key-hint").textContent = t(wasWrong ? "key_wrong" : "key_hint");
  $("key-value").value = "";
  $("key").returnValue = "";
  $("key").showModal();
  return new Promise((resolve) => {
    $("key").addEventListener("close", () => resolve($("key").returnValue === "ok" ? $("key-value").value.trim() : null), { once: true });
  });
}

function closeSettings() {
  const id = $("user").value.trim();
  if (!id || id === userId()) return;
  remember("user", id);
  reload();
}

// What belongs to the visitor's id.
function reload() {
  reloadOwn().catch(complain);
  loadWords().catch(complain);
}

onKeyWanted(askForKey);
onReading(readingFields);
mountJobs($("jobs"), voiceOfJob);
$("key-cancel").addEventListener("click", () => $("key").close());
$("settings-open").addEventListener("click", () => { $("user").value = userId(); $("settings").showModal(); });
$("settings").addEventListener("close", closeSettings);
$("language").addEventListener("click", () => setLanguage(language() === "zh" ? "en" : "zh"));
$("theme").addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  remember("theme", next);
  dispatchEvent(new Event("resize"));         // waveforms are drawn in the new colours
});
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  if (stopper) stop();
  else start();
});
$("composer").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !stopper) start();
});
for (const choice of document.querySelectorAll("[name=mode]")) choice.addEventListener("change", () => { hide(); renderMode(); });
$("text").addEventListener("input", renderCount);
for (const event of ["input", "change"]) $("composer").addEventListener(event, readSoon);
document.addEventListener("words", readSoon);
$("reading").addEventListener("read", renderCount);
$("speed").addEventListener("input", renderOptions);
$("keep").addEventListener("input", renderKeep);
$("dice").addEventListener("click", () => { $("seed").value = crypto.getRandomValues(new Uint32Array(1))[0] % 1000000; });
tabs.listen(({ voices }) => voices && reloadOwn().catch(complain));
addEventListener("storage", ({ key }) => {
  if (key === "cosyvoice_language" && recall("language") !== language()) setLanguage(recall("language"));
  if (key === "cosyvoice_user") reload();
});
addEventListener("online", () => machine?.state === "offline" && connect());

translate();
connect();

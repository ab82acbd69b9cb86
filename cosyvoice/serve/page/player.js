// The player: waveform with its sentences, what is happening, the figures, the downloads.
import { decode, mono, wav } from "./audio.js";
import { $, clock, make, save, setIcon } from "./dom.js";
import { duration, t } from "./i18n.js";
import { curlOf } from "./job.js";
import { key } from "./store.js";
import { Sound } from "./sound.js";
import { tabs } from "./tabs.js";
import { drawWave } from "./wave.js";

const PICTURE = 60;                           // ms between two pictures of a sound that plays; the model needs the processor more

export const sound = new Sound($("audio"));
const audio = $("audio");
let take = null;
let lit = null;                               // the sentence being spoken
let note = null;                              // key of a sentence about playing: dry, press_play, undecodable
let mp3Address = "";
let announced = "";
let due = false;                              // a picture is on its way
let awaited = null;                           // the take whose first sound has not been heard yet

// Show `next` from now on. fresh: it is being made and plays meanwhile; else it is whole and plays when `play`.
export function present(next, { fresh = false, play = false } = {}) {
  take?.removeEventListener("change", renderSoon);
  [take, lit, note] = [next, null, null];
  take.addEventListener("change", renderSoon);
  $("sentences").replaceChildren();
  $("save-mp3").hidden = true;
  $("player").hidden = false;
  awaited = fresh && !take.firstSound ? take : null;
  if (fresh) sound.open(take);
  else sound.load(take, play);
  render();
}

export const presented = () => take;

// Changes come in bursts; one picture shows them all.
function renderSoon() {
  if (!due) requestAnimationFrame(() => { due = false; render(); });
  due = true;
}

function render() {
  const { active, seconds } = take;
  setIcon($("play"), sound.playing ? "pause" : "play");
  $("play").setAttribute("aria-label", t(sound.playing ? "pause" : "play"));
  $("play").classList.toggle("busy", active && !take.parts.length);
  $("play").disabled = !take.parts.length;
  $("progress").textContent = [says(), take.leftOut && t("left_out", { names: take.leftOut })].filter(Boolean).join(" · ");
  announce(`${take.id} ${take.state} ${take.place} ${note}`);
  renderSentences();
  renderFigures();
  $("save-wav").hidden = $("save-srt").hidden = active || !seconds;
  $("save-srt").hidden ||= !take.subtitles;
  renderMp3();
  $("curl").textContent = curlOf(take.job, new URL("generate_audio", location.href).href, Boolean(key()));
  move();
}

// A screen reader hears of each new state once, not of every second made.
function announce(state) {
  if (state === announced) return;
  announced = state;
  $("announcement").textContent = says();
}

function says() {
  if (note) return t(note);
  const all = duration(take.seconds);
  if (take.state === "queued") return take.place > 1 ? t("queued", { n: take.place - 1 }) : t("queued_next");
  if (take.state === "waiting") return t(take.parts.length ? "catching_up" : take.running ? "starting" : "waiting");
  if (take.state === "speaking") return t("speaking", { made: all, all: duration(Math.max(take.estimate, take.seconds)) });
  return t({ done: "finished", stopped: "stopped", failed: "failed" }[take.state] ?? "broken", { all });
}

// One span that acts as a button per sentence (a real button would not flow with the text); kept while the list grows, so that focus stays.
function renderSentences() {
  take.sentences.forEach(({ text, spoken }, i) => {
    const span = $("sentences").children[i] ?? sentence(i);
    if (span.textContent !== text) span.textContent = text;
    span.title = spoken && spoken !== text ? spoken : "";
  });
}

function sentence(i) {
  const span = make("span", { tabIndex: 0, onclick: () => jump(i) });
  span.setAttribute("role", "button");
  span.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    jump(i);
  });
  $("sentences").append(span, " ");           // between words of most languages, and where a line may break
  return span;
}

function jump(i) {
  sound.seek(take.sentences[i].start + 0.01);
  sound.play();
}

function renderFigures() {
  const figure = (key, value) => make("div", {}, make("dt", { textContent: t(key) }), make("dd", { textContent: value }));
  const known = [];
  if (take.firstSound) known.push(figure("first_sound", t("seconds", { n: take.firstSound.toFixed(2) })));
  if (take.rtf) {
    known.push(figure("rtf", take.rtf.toFixed(2)));
    known.at(-1).title = t("rtf_says", { n: take.rtf.toFixed(2) });
  }
  if (take.seconds) known.push(figure("length", duration(take.seconds)), figure("seed", take.seed));
  $("figures").replaceChildren(...known);
}

function renderMp3() {
  const whole = !take.active && take.seconds && take.streamed;
  if (!whole) $("save-mp3").hidden = true;
  if (!whole || !$("save-mp3").hidden) return;
  URL.revokeObjectURL(mp3Address);
  mp3Address = URL.createObjectURL(take.blob());
  Object.assign($("save-mp3"), { href: mp3Address, download: `${fileName()}.mp3`, hidden: false });
}

function fileName() {
  const words = take.job.fields.tts_text.trim().slice(0, 16).replace(/[\s\\/:*?"<>|.]+/g, " ").trim();
  return words || "speech";
}

async function saveWav() {
  if (!take.streamed) return save(take.blob(), `${fileName()}.wav`);
  const bytes = new Uint8Array(await take.blob().arrayBuffer());
  const { rate } = take.frames[0];
  const buffer = await decode(bytes, rate);
  save(wav(mono(buffer), rate), `${fileName()}.wav`);
}

// Follow the playing: position, time, the lit sentence.
function move() {
  const now = audio.currentTime, made = take.seconds;
  const all = take.active || !made ? Math.max(take.estimate, made, 0.1) : made;
  const position = $("position");
  position.max = made;
  position.value = Math.min(now, made);
  position.setAttribute("aria-valuetext", t("of_time", { now: clock(now), all: clock(made) }));
  $("time").textContent = t("of_time", { now: clock(now), all: clock(made) });
  light(take.sentences.findIndex(({ start, end }) => now >= start && now < end && (sound.playing || now > 0)));
  drawWave($("wave"), { peaks: take.peaks, all, made, now, sentences: take.sentences, lit: take.sentences[lit] ?? null });
}

function light(i) {
  if (i === lit) return;
  $("sentences").children[lit]?.removeAttribute("aria-current");
  $("sentences").children[i]?.setAttribute("aria-current", "true");
  lit = i;
}

function animate() {
  move();
  if (!audio.paused) setTimeout(() => requestAnimationFrame(animate), PICTURE);
}

// One sound at a time, and none while the microphone listens.
export function hush(but = null) {
  if (but !== audio) sound.pause();
  for (const other of document.querySelectorAll("audio")) if (other !== but) other.pause();
}

async function copyCommand() {
  const text = $("curl").textContent, label = $("copy").lastElementChild;
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
  } else {                                    // plain http on a network address has no clipboard: select it instead
    getSelection().selectAllChildren($("curl"));
    document.execCommand("copy");
  }
  label.textContent = t("copied");
  setTimeout(() => { label.textContent = t("copy"); }, 1500);
}

$("play").addEventListener("click", () => {
  note = null;
  if (sound.playing) sound.pause();
  else sound.play();
  render();
});
$("position").addEventListener("input", ({ target }) => sound.seek(Number(target.value)));
$("save-wav").addEventListener("click", saveWav);
$("save-srt").addEventListener("click", () => save(new Blob([take.subtitles], { type: "application/x-subrip" }), `${fileName()}.srt`));
$("copy").addEventListener("click", copyCommand);
sound.addEventListener("first", () => {
  if (awaited === take && take.state !== "stopped") take.change({ firstSound: (performance.now() - take.asked) / 1000 });
  awaited = null;
});
sound.addEventListener("dry", () => { note = take.active ? "dry" : null; render(); });
sound.addEventListener("blocked", () => { note = "press_play"; render(); });
sound.addEventListener("broken", () => { note = "undecodable"; render(); });
audio.addEventListener("play", () => { note = null; animate(); render(); tabs.postMessage({ playing: true }); });
for (const event of ["pause", "ended", "seeked"]) audio.addEventListener(event, () => take && render());
document.addEventListener("play", ({ target }) => hush(target), true);
tabs.listen(({ playing }) => playing && hush());
document.addEventListener("language", () => take && render());
addEventListener("resize", () => take && move());

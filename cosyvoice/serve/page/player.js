// The player: waveform with its sentences, what is happening, how fast and how loud it plays, the figures.
import { renderCommand } from "./commands.js";
import { $, clock, make, setIcon } from "./dom.js";
import { renderDownloads } from "./downloads.js";
import { duration, t } from "./i18n.js";
import { current, forgetSentences, light, onJump, renderSentences } from "./sentences.js";
import { Sound } from "./sound.js";
import { recall, remember } from "./store.js";
import { tabs } from "./tabs.js";
import { drawWave } from "./wave.js";

const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2];   // times the speed of the sound
const PICTURE = 60;                           // ms between two pictures of a sound that plays; the model needs the processor more

export const sound = new Sound($("audio"));
const audio = $("audio");
let take = null;
let note = null;                              // key of a sentence about playing: dry, press_play, undecodable
let announced = "";
let due = false;                              // a picture is on its way
let awaited = null;                           // the take whose first sound has not been heard yet

// Show `next` from now on. fresh: it is being made and plays meanwhile; else it is whole and plays when `play`.
export function present(next, { fresh = false, play = false } = {}) {
  take?.removeEventListener("change", renderSoon);
  [take, note] = [next, null];
  take.addEventListener("change", renderSoon);
  forgetSentences();
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
  renderSentences(take.sentences);
  $("again-part").hidden = active || !take.sentences.length || !take.job.fields.tts_text;
  $("halt").hidden = !active;
  renderFigures();
  renderDownloads(take);
  renderCommand(take.job);
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
  if (take.state === "queued") return queued();
  if (take.state === "waiting") return t(take.parts.length ? "catching_up" : take.running ? "starting" : "waiting");
  if (take.state === "speaking") return t("speaking", { made: all, all: duration(Math.max(take.estimate, take.seconds)) });
  return t({ done: "finished", stopped: "stopped", failed: "failed" }[take.state] ?? "broken", { all });
}

// The place in the queue, and when it will probably begin.
function queued() {
  const place = take.place > 1 ? t("queued", { n: take.place - 1 }) : t("queued_next");
  return take.startsIn === null ? place : t("starts_in", { place, seconds: duration(take.startsIn) });
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

// Follow the playing: position, time, the lit sentence.
function move() {
  const now = audio.currentTime, made = take.seconds;
  const all = take.active || !made ? Math.max(take.estimate, made, 0.1) : made;
  const position = $("position");
  position.max = made;
  position.value = Math.min(now, made);
  position.setAttribute("aria-valuetext", t("of_time", { now: clock(now), all: clock(made) }));
  $("time").textContent = t("of_time", { now: clock(now), all: clock(made) });
  const spoken = take.sentences.findIndex(({ start, end }) => now >= start && now < end && (sound.playing || now > 0));
  light(spoken < 0 ? null : spoken);
  drawWave($("wave"), { peaks: take.peaks, all, made, now, sentences: take.sentences, lit: take.sentences[spoken] ?? null });
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

function setRate(rate) {
  audio.defaultPlaybackRate = audio.playbackRate = rate;
  remember("rate", rate);
}

function setVolume(volume) {
  audio.volume = $("volume").value = volume >= 0 && volume <= 1 ? volume : 1;
}

function renderRates() {
  $("rate").replaceChildren(...RATES.map((rate) => make("option", { value: rate, textContent: t("speed_value", { n: rate }), selected: rate === audio.playbackRate })));
}

// The job of the sentence that is meant, to be read in another way. The page speaks it (event "respeak").
function respeak() {
  const detail = { ...take.job, fields: { ...take.job.fields, tts_text: take.sentences[current()].text } };
  document.dispatchEvent(new CustomEvent("respeak", { detail }));
}

setRate(RATES.find((rate) => rate === Number(recall("rate"))) ?? 1);
setVolume(Number(recall("volume") ?? 1));
renderRates();
onJump(jump);
$("rate").addEventListener("change", ({ target }) => setRate(Number(target.value)));
$("volume").addEventListener("input", ({ target }) => { setVolume(Number(target.value)); remember("volume", target.value); });
$("again").addEventListener("click", respeak);
$("play").addEventListener("click", () => {
  note = null;
  if (sound.playing) sound.pause();
  else sound.play();
  render();
});
$("position").addEventListener("input", ({ target }) => sound.seek(Number(target.value)));
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
document.addEventListener("language", () => { renderRates(); if (take) render(); });
addEventListener("resize", () => take && move());

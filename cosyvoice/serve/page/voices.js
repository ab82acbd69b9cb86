// Whose voice speaks: the model's speakers by language and the visitor's own saved voices, each with a sample to hear.
import { ask, call } from "./api.js";
import { $, make } from "./dom.js";
import { language, t } from "./i18n.js";
import { complain, notice } from "./notice.js";
import { sampleOf } from "./samples.js";
import { describe, languageName, LANGUAGES, who } from "./speakers.js";
import { recall, remember, userId } from "./store.js";
import { tabs } from "./tabs.js";

let speakers = null;                          // [{id, language, model}]; null until the service has told
let own = [];                                 // [{name, language, created, consent}]
let managed = false;                          // the service lists and deletes voices
let chosen = null;                            // {speaker} or {own}
let byHand = false;                           // the visitor chose, so the page does not choose again
let waiting = null;                           // id of the voice whose sample is being made
const listening = make("audio");              // data-voice: whose sample it is
document.body.append(listening);

export const voiceFields = () => (chosen?.own ? { spk_customize: chosen.own, user_id: userId() } : { spk_id: chosen?.speaker });
// What of the voice decides how figures are read.
export function voiceReading() {
  if (!chosen?.own) return { spk_id: chosen?.speaker };
  return voiceLanguage() ? { language: voiceLanguage() } : {};
}
export const voicesLoaded = () => Boolean(speakers);
export const voiceChosen = () => Boolean(chosen);
export const ownVoices = () => own.map(({ name }) => name);
export const languageOf = (id) => speakers?.find((speaker) => speaker.id === id)?.language ?? "";
export const voiceLanguage = () => (chosen?.own ? ownVoice(chosen.own)?.language : languageOf(chosen?.speaker)) ?? "";
// The first speaker of a language, or null.
export const voiceFor = (code) => speakers?.find((speaker) => speaker.language === code)?.id ?? null;

export const speakerIds = () => (speakers ?? []).map(({ id }) => id);
export const chosenOwn = () => chosen?.own ?? null;

const ownVoice = (name) => own.find((voice) => voice.name === name);

// form: where the interface of the Windows bundle is on, other callers get its list.
export async function loadVoices() {
  const [ready] = await Promise.all([call("speakers?form=object"), loadOwn()]);
  const told = (await ready.json()).speakers;
  speakers = told.filter(({ id }, i) => told.findIndex((other) => other.id === id) === i);
  chooseDefault();
  render();
  document.dispatchEvent(new Event("speakers"));
}

async function loadOwn() {
  const response = await ask(`voices?user_id=${encodeURIComponent(userId())}`);
  managed = Boolean(response);
  own = response ? (await response.json()).voices : remembered().map((name) => ({ name }));
  if (chosen?.own && !ownVoice(chosen.own)) chosen = null;
}

export async function reloadOwn() {
  await loadOwn();
  chooseDefault();
  render();
}

// Voices saved from here, for a service that cannot list them.
const remembered = () => JSON.parse(recall(`voices_${userId()}`) ?? "[]");

export async function voiceKept(name) {
  remember(`voices_${userId()}`, JSON.stringify([name, ...remembered().filter((other) => other !== name)]));
  await reloadOwn();
  tabs.postMessage({ voices: true });
}

// voice: {speaker} or {own}; one that is gone leaves the choice as it is.
export function choose(voice) {
  if (speakers && !(voice.own ? ownVoice(voice.own) : speakers.some(({ id }) => id === voice.speaker))) return;
  chooseByHand(voice);
  render();
}

function chooseByHand(voice) {
  [chosen, byHand] = [voice, true];
  remember("voice", JSON.stringify(voice));
}

// The voice of the last visit, else one that speaks the page's language.
function chooseDefault() {
  if (speakers && !chosen) choose(JSON.parse(recall("voice") ?? "{}"));
  if ((chosen && byHand) || !speakers?.length) return;
  const wanted = language() === "zh" ? "中文女" : "英文女";
  chosen = { speaker: speakers.some(({ id }) => id === wanted) ? wanted : speakers[0].id };
}

// A sample of the first voice that speaks the page's language, for who has no recording of a voice; null without voices.
export function sampleVoice() {
  const id = voiceFor(language()) ?? speakers?.[0]?.id;
  return id ? () => sampleOf(sampleAsked("speaker", id)) : null;
}

// ---- the list

function render() {
  if (!speakers) return;
  $("speakers").replaceChildren(...groups());
  if (!speakers.length) $("speakers").append(make("p", { className: "hint", textContent: t("no_speakers") }));
  $("voices").replaceChildren(...own.map(({ name }) => chip("own", name, name)));
  $("own").hidden = !own.length;
  renderChosen();
}

// The speakers of each language, under its name.
function groups() {
  const codes = [...LANGUAGES, ""].filter((code) => speakers.some((speaker) => knownLanguage(speaker) === code));
  return codes.map((code) => {
    const chips = speakers.filter((speaker) => knownLanguage(speaker) === code).map(({ id }) => chip("speaker", id, code ? who(id) : id));
    const name = languageName(code) || t("other_voices"), group = make("div", { className: "group" });
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", name);
    group.append(make("h3", { className: "hint", textContent: name }), make("div", { className: "chips" }, ...chips));
    return group;
  });
}

const knownLanguage = ({ language: code }) => (LANGUAGES.includes(code) ? code : "");

// A voice to choose, and a button that lets it be heard.
function chip(kind, id, label) {
  const input = make("input", { type: "radio", name: "voice", value: id, checked: chosen?.[kind] === id });
  const full = kind === "speaker" ? describe(id, languageOf(id)) : id;
  input.setAttribute("aria-label", full);
  input.addEventListener("change", () => { chooseByHand({ [kind]: id }); renderChosen(); });
  const hear = make("button", { type: "button", className: "hear", title: t("hear", { name: full }), ariaLabel: t("hear", { name: full }), onclick: () => listen(kind, id) });
  hear.dataset.voice = `${kind} ${id}`;
  hear.innerHTML = '<svg><use href="#i-play"/></svg>';
  return make("span", { className: "chip" }, make("label", { title: id }, input, make("span", { textContent: label })), hear);
}

function renderChosen() {
  const voice = chosen?.own ? ownVoice(chosen.own) : null;
  $("voice-tools").hidden = !(managed && voice);
  const about = voice ? [languageName(voice.language), voice.created?.slice(0, 10), voice.consent && t("consent_given", { words: voice.consent })].filter(Boolean) : [];
  $("voice-about").hidden = !about.length;
  $("voice-about").textContent = about.join(" · ");
  renderHearing();
  document.dispatchEvent(new Event("voice"));
}

function renderHearing() {
  for (const button of document.querySelectorAll(".hear")) {
    const playing = !listening.paused && listening.dataset.voice === button.dataset.voice;
    button.querySelector("use").setAttribute("href", playing ? "#i-stop" : "#i-play");
    button.ariaBusy = String(waiting === button.dataset.voice);
  }
}

// ---- hearing and deleting

// What samples.js wants to know of a voice. A voice of the same name may be made anew, a model be replaced.
function sampleAsked(kind, id) {
  if (kind === "own") return { own: id, language: ownVoice(id).language, made: ownVoice(id).created ?? "" };
  const { model, language: code } = speakers.find((speaker) => speaker.id === id);
  return { speaker: id, language: code, made: model };
}

async function listen(kind, id) {
  const voice = `${kind} ${id}`;
  if (waiting) return;
  if (!listening.paused && listening.dataset.voice === voice) return listening.pause();
  waiting = voice;
  renderHearing();
  try {
    const { sound } = await sampleOf(sampleAsked(kind, id));
    URL.revokeObjectURL(listening.src);
    listening.dataset.voice = voice;
    listening.src = URL.createObjectURL(sound);
    await listening.play();
  } catch (error) {
    if (error.say) complain(error);
    else if (error.name !== "AbortError") throw error;
  } finally {
    waiting = null;
    renderHearing();
  }
}

async function forget() {
  const name = chosen.own;
  if (!confirm(t("forget_sure", { name }))) return;
  try {
    await call(`voices/${encodeURIComponent(name)}?user_id=${encodeURIComponent(userId())}`, { method: "DELETE" });
    notice(() => t("forgotten", { name }), { good: true });
  } catch (error) {
    complain(error);
  }
  await reloadOwn();
  tabs.postMessage({ voices: true });
}

$("forget").addEventListener("click", forget);
for (const event of ["play", "pause", "ended"]) listening.addEventListener(event, renderHearing);
document.addEventListener("language", () => { chooseDefault(); render(); });
tabs.listen(({ voices }) => voices && reloadOwn().catch(complain));

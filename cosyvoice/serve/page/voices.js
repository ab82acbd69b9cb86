// Whose voice speaks: the model's speakers and the visitor's own saved voices.
import { ask, call } from "./api.js";
import { $, make, setIcon } from "./dom.js";
import { language, t } from "./i18n.js";
import { complain, notice } from "./notice.js";
import { recall, remember, userId } from "./store.js";
import { SPEAKERS } from "./strings.js";
import { tabs } from "./tabs.js";

let speakers = null;                          // ids; null until the service has told
let own = [];                                 // names
let languages = {};                           // own voice -> its language, where the service knows it
let managed = false;                          // the service lists, previews and deletes voices
let chosen = null;                            // {speaker} or {own}
let byHand = false;                           // the visitor chose, so the page does not choose again
const listening = make("audio");
document.body.append(listening);

export const voiceFields = () => (chosen?.own ? { spk_customize: chosen.own, user_id: userId() } : { spk_id: chosen?.speaker });
// What of the voice decides how figures are read.
export function voiceReading() {
  if (!chosen?.own) return { spk_id: chosen?.speaker };
  return languages[chosen.own] ? { language: languages[chosen.own] } : {};
}
export const voicesLoaded = () => Boolean(speakers);
export const voiceChosen = () => Boolean(chosen);
export const ownVoices = () => own;

export async function loadVoices() {
  const [ready] = await Promise.all([call("speakers"), loadOwn()]);
  speakers = [...new Set((await ready.json()).speakers.map(({ id }) => id))];
  chooseDefault();
  render();
}

async function loadOwn() {
  const response = await ask(`voices?user_id=${encodeURIComponent(userId())}`);
  managed = Boolean(response);
  const kept = response ? (await response.json()).voices : remembered().map((name) => ({ name }));
  own = kept.map(({ name }) => name);
  languages = Object.fromEntries(kept.map(({ name, language }) => [name, language]));
  if (chosen?.own && !own.includes(chosen.own)) chosen = null;
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

export function chooseOwn(name) {
  [chosen, byHand] = [{ own: name }, true];
  render();
}

// A voice that speaks the page's language.
function chooseDefault() {
  if ((chosen && byHand) || !speakers?.length) return;
  const wanted = language() === "zh" ? "中文女" : "英文女";
  chosen = { speaker: speakers.includes(wanted) ? wanted : speakers[0] };
}

function chip(kind, name) {
  const input = make("input", { type: "radio", name: "voice", value: name, checked: chosen?.[kind] === name });
  input.addEventListener("change", () => { [chosen, byHand] = [{ [kind]: name }, true]; renderTools(); });
  const said = kind === "speaker" && language() === "en" ? SPEAKERS[name] : null;
  return make("label", { className: "chip", title: name }, input, make("span", { textContent: said ?? name }));
}

function render() {
  if (!speakers) return;
  $("speakers").replaceChildren(...speakers.map((id) => chip("speaker", id)));
  if (!speakers.length) $("speakers").append(make("p", { className: "hint", textContent: t("no_speakers") }));
  $("voices").replaceChildren(...own.map((name) => chip("own", name)));
  $("own").hidden = !own.length;
  renderTools();
}

function renderTools() {
  $("voice-tools").hidden = !(managed && chosen?.own);
  if (listening.dataset.voice !== chosen?.own) listening.pause();
}

async function preview() {
  if (!listening.paused) return listening.pause();
  if ($("preview").ariaBusy === "true") return;
  $("preview").ariaBusy = "true";
  try {
    const response = await call(`voices/${encodeURIComponent(chosen.own)}/preview?user_id=${encodeURIComponent(userId())}`);
    listening.dataset.voice = chosen.own;
    listening.src = URL.createObjectURL(await response.blob());
    await listening.play();
  } catch (error) {
    if (error.say) complain(error);
    else if (error.name !== "AbortError") throw error;
  } finally {
    $("preview").ariaBusy = "false";
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

$("preview").addEventListener("click", preview);
$("forget").addEventListener("click", forget);
for (const event of ["play", "pause", "ended"]) listening.addEventListener(event, () => setIcon($("preview"), listening.paused ? "play" : "stop"));
document.addEventListener("language", () => { chooseDefault(); render(); });

// Files of a take: the MP3 that is there, subtitles, and lossless or other formats, for which it is spoken once more.
import { call } from "./api.js";
import { $, save } from "./dom.js";
import { t } from "./i18n.js";
import { requestOf, sameSound, titleOf } from "./job.js";
import { complain } from "./notice.js";

const OTHERS = { flac: "flac", opus: "ogg", aac: "aac" };    // response_format of POST /v1/audio/speech -> ending of the file
let take = null;
let mp3Address = "";
let making = null;                            // of the request for another file

export function renderDownloads(next) {
  if (take !== next) $("save-mp3").hidden = true;
  take = next;
  const whole = !take.active && take.seconds > 0, done = take.state === "done";
  renderMp3(whole && take.streamed);
  $("save-wav").hidden = !(take.streamed ? done : whole);     // what was stopped would be spoken to its end
  $("save-wav").title = take.streamed ? t("anew") : "";
  for (const kind of Object.keys(OTHERS)) $(`save-${kind}`).hidden = !done || !openAiFields(take.job);
  for (const kind of ["srt", "vtt"]) $(`save-${kind}`).hidden = !whole || !take.subtitles;
  $("more-formats").hidden = [...$("more-formats").querySelectorAll("button")].every((button) => button.hidden);
  $("making").hidden = !making;
}

function renderMp3(there) {
  if (there && !$("save-mp3").hidden) return;
  URL.revokeObjectURL(mp3Address);
  $("save-mp3").hidden = !there;
  if (!there) return;
  mp3Address = URL.createObjectURL(take.blob());
  Object.assign($("save-mp3"), { href: mp3Address, download: nameOf(take, "mp3") });
}

export function nameOf({ job }, ending) {
  const words = titleOf(job).slice(0, 16).replace(/[\s\\/:*?"<>|.]+/g, " ").trim();
  return `${words || "speech"}.${ending}`;
}

// A take as it is, in one file.
export const saveTake = (any) => save(any.blob(), nameOf(any, any.streamed ? "mp3" : "wav"));

async function saveWav() {
  if (!take.streamed) return saveTake(take);
  const { headers, ...request } = requestOf(sameSound(take.job, { stream: "False" }));
  await saveAnew("wav", take.job.mode === "change" ? "voice_conversion" : "generate_audio", { ...request, headers });
}

function saveOther(kind) {
  const body = JSON.stringify({ ...openAiFields(take.job), response_format: kind, stream: false });
  return saveAnew(OTHERS[kind], "v1/audio/speech", { method: "POST", headers: { "Content-Type": "application/json" }, body });
}

// The job in the words of OpenAI's endpoint; null for one with a recording, which it does not take.
function openAiFields({ mode, fields, file, source }) {
  if (file || source) return null;
  const voice = fields.spk_customize ? { id: fields.spk_customize } : fields.spk_id;
  const { tts_text: input, seed, speed, user_id, prompt_text } = fields;
  return { model: "cosyvoice", input, voice, seed, speed, ...(user_id && { user_id }), ...(mode === "instruct" && { instructions: prompt_text }) };
}

async function saveAnew(ending, path, request) {
  const mine = take;
  stopMaking();
  making = new AbortController();
  renderDownloads(take);
  try {
    const response = await call(path, { ...request, signal: making.signal });
    save(await response.blob(), nameOf(mine, ending));
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!error.say) throw error;
    complain(error);
  } finally {
    making = null;
    renderDownloads(take);
  }
}

export function stopMaking() {
  making?.abort();
}

// WebVTT of SubRip: a heading, and points in the times.
const vttOf = (srt) => `WEBVTT\n\n${srt.replace(/(\d\d:\d\d:\d\d),(\d{3})/g, "$1.$2")}`;

$("save-wav").addEventListener("click", saveWav);
for (const kind of Object.keys(OTHERS)) $(`save-${kind}`).addEventListener("click", () => saveOther(kind));
$("save-srt").addEventListener("click", () => save(new Blob([take.subtitles], { type: "application/x-subrip" }), nameOf(take, "srt")));
$("save-vtt").addEventListener("click", () => save(new Blob([vttOf(take.subtitles)], { type: "text/vtt" }), nameOf(take, "vtt")));

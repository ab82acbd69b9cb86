// Long texts: a chapter or a book as a job of the service, with its progress, its sound so far and its file.
import { ask, call } from "./api.js";
import { make, save } from "./dom.js";
import { duration, half, t } from "./i18n.js";
import { complain } from "./notice.js";
import { key, userId } from "./store.js";

const POLL = 2000;                            // ms between two looks at jobs that go on
const rows = new Map();                       // id of a job -> its parts in the page
let parts = null;                             // of the section that are always there
let polling = 0;

// holder: the details element of index.html. voice(): {fields, file} of what is chosen above, null when something lacks.
export function mountJobs(holder, voice) {
  const file = make("input", { type: "file", id: "job-file", className: "unseen", tabIndex: -1, ariaHidden: "true", accept: ".txt,.md,.epub,text/plain,text/markdown,application/epub+zip" });
  const choose = make("button", { type: "button", className: "soft", onclick: () => file.click() });
  const unchoose = make("button", { type: "button", className: "quiet", onclick: () => { file.value = ""; renderFile(); choose.focus(); } });
  const chosen = make("span"), picker = make("p", { className: "row" }, choose, chosen, unchoose, file);
  const text = make("textarea", { rows: 4, id: "job-text" });
  const title = make("input", { id: "job-title", maxLength: 200, autocomplete: "off" });
  const format = make("select", { id: "job-format" }, ...["m4b", "mp3"].map((value) => make("option", { value, textContent: value.toUpperCase() })));
  const start = make("button", { type: "button", id: "job-start", className: "soft" });
  const labels = { file: make("div", { className: "job-field" }, make("span", { className: "hint" }), picker), text: label(text), title: label(title), format: label(format) };
  const summary = make("summary", { className: "title" }), hint = make("p", { className: "hint" });
  const list = make("ul", { className: "jobs-list" });
  parts = { holder, file, choose, chosen, unchoose, text, title, format, start, labels, summary, hint, list };
  holder.append(summary, make("div", { className: "jobs-form" }, hint, ...Object.values(labels), make("p", { className: "row" }, start)), list);
  file.addEventListener("change", renderFile);
  start.addEventListener("click", () => begin(voice).catch(complainOf));
  holder.addEventListener("toggle", () => look().catch(complainOf));
  document.addEventListener("language", render);
  render();
}

// A label around its control; its words are set by render().
const label = (control) => make("label", { className: "job-field" }, make("span", { className: "hint" }), control);

function complainOf(error) {
  if (!error.say) throw error;
  complain(error);
}

async function begin(voice) {
  const chosen = voice();
  if (!chosen) return;
  const { file, text, title, format } = parts, body = new FormData();
  const { tts_text, stream, exp_name, ...fields } = chosen.fields;
  for (const [name, value] of Object.entries({ ...fields, user_id: userId(), format: format.value, title: title.value.trim() })) body.append(name, value);
  if (chosen.file) body.append("prompt_speech_16k", chosen.file.blob, chosen.file.name);
  if (file.files.length) body.append("file", file.files[0]);
  else body.append("tts_text", text.value);
  parts.start.disabled = true;
  try {
    await call("jobs", { method: "POST", body });
    file.value = text.value = title.value = "";
    renderFile();
  } finally {
    parts.start.disabled = false;
  }
  await look();
}

// ---- the jobs that are there

async function look() {
  clearTimeout(polling);
  if (!parts.holder.open) return;
  const response = await ask(`jobs?user_id=${encodeURIComponent(userId())}`);
  const jobs = response ? (await response.json()).jobs : [];
  for (const [id, row] of rows) if (!jobs.some((job) => job.id === id)) { row.line.remove(); rows.delete(id); }
  for (const job of jobs.toReversed()) show(job);
  if (jobs.some((job) => !job.ended)) lookIn(POLL);
}

// A service that does not answer for a while may do so again.
function lookIn(time) {
  polling = setTimeout(() => look().catch(() => lookIn(5 * POLL)), time);
}

function show(job) {
  if (!rows.has(job.id)) rows.set(job.id, makeRow(job.id));
  const row = rows.get(job.id);
  Object.assign(row, { job });
  row.name.textContent = job.title;
  row.bar.max = job.sentences;
  row.bar.value = job.sentences_done;
  row.bar.ariaLabel = job.title;
  row.listen.disabled = !job.sentences_done;
  row.load.hidden = row.subtitles.hidden = job.state !== "done";
  renderRow(row);
}

function makeRow(id) {
  const row = { name: make("b"), about: make("p", { className: "hint" }), bar: make("progress"), audio: make("audio", { controls: true, hidden: true }) };
  for (const [name, work] of [["listen", listen], ["load", download], ["subtitles", subtitles], ["drop", drop]]) {
    row[name] = make("button", { type: "button", className: "quiet", onclick: () => work(row).catch(complainOf) });
  }
  row.line = make("li", {}, row.name, row.bar, row.about, make("p", { className: "row" }, row.listen, row.load, row.subtitles, row.drop), row.audio);
  parts.list.prepend(row.line);
  return row;
}

// ---- what a job offers

// Without a key the browser can read an address itself; a key goes in a header, so the sound is fetched then.
async function address(path) {
  return key() ? URL.createObjectURL(await (await call(path)).blob()) : path;
}

async function listen({ job, audio }) {
  const at = audio.hidden ? 0 : audio.currentTime;
  audio.src = await address(`jobs/${job.id}/audio`);
  audio.hidden = false;
  audio.currentTime = at;
  await audio.play();
}

async function download({ job }) {
  if (!key()) return make("a", { href: `jobs/${job.id}/file`, download: "" }).click();
  save(await (await call(`jobs/${job.id}/file`)).blob(), `${job.title}.${job.format}`);
}

async function subtitles({ job }) {
  save(await (await call(`jobs/${job.id}/subtitles.srt`)).blob(), `${job.title}.srt`);
}

async function drop({ job }) {
  if (!confirm(t("job_drop_sure", { title: job.title }))) return;
  await call(`jobs/${job.id}`, { method: "DELETE" });
  await look();
}

// ---- words

const STATES = {
  queued: () => t("job_queued"), running: () => t("job_running"), waiting: () => t("job_waiting"),
  joining: () => t("job_joining"), done: () => t("job_done"), failed: () => t("job_failed"),
};

function render() {
  const { labels, summary, hint, start, choose, unchoose } = parts;
  summary.textContent = t("jobs");
  hint.textContent = t("jobs_hint");
  start.textContent = t("job_start");
  choose.textContent = t("choose");
  unchoose.textContent = t("job_file_drop");
  renderFile();
  const words = { file: t("job_file"), text: t("job_text"), title: t("job_title"), format: t("job_format") };
  for (const [name, said] of Object.entries(words)) labels[name].firstElementChild.textContent = said;
  for (const row of rows.values()) renderRow(row);
}

// A file takes the place of the text.
function renderFile() {
  const { file, chosen, unchoose, labels } = parts, name = file.files[0]?.name ?? "";
  chosen.textContent = name;
  unchoose.hidden = !name;
  labels.text.hidden = Boolean(name);
}

function renderRow(row) {
  const { job } = row, end = job.expected_end && new Date(job.expected_end);
  const progress = t("job_progress", { done: job.sentences_done, all: job.sentences, seconds: duration(job.seconds) });
  const about = [STATES[job.state]?.() ?? job.state, job.error && half(job.error.error), progress, end && t("job_end", { time: end.toLocaleString([], { dateStyle: "short", timeStyle: "short" }) })];
  row.about.textContent = about.filter(Boolean).join(" · ");
  row.listen.textContent = t("job_listen");
  row.load.textContent = t("job_load");
  row.subtitles.textContent = "SRT";
  row.drop.textContent = t("job_drop");
}

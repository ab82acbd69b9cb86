// What is asked of the service: a job's fields and files, as a request.
export const MODES = { sft: "预训练音色", clone: "3s极速复刻", cross: "跨语种复刻", instruct: "自然语言控制" };

// job: {mode: a key of MODES or "change", fields: {name: text}, file: the reference, source: the recording whose voice is
// changed}; both files are null or {blob, name}.
export const pathOf = (job) => (job.mode === "change" ? "voice_conversion" : "generate_audio");

// What a job says, or the name of the recording whose voice it changes.
export const titleOf = (job) => job.fields.tts_text?.trim() ?? job.source.name;

// The options of a fetch.
export function requestOf(job) {
  if (!job.file && !job.source) return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(job.fields) };
  const body = new FormData();
  for (const [name, value] of Object.entries(job.fields)) body.append(name, value);
  if (job.source) body.append("source_speech_16k", job.source.blob, job.source.name);
  if (job.file) body.append("prompt_speech_16k", job.file.blob, job.file.name);
  return { method: "POST", headers: {}, body };
}

// The same job once more, for another file of the same sound: it keeps no voice, which the first one has done.
export function sameSound(job, changes = {}) {
  const { exp_name, consent, ...fields } = job.fields;
  return { ...job, fields: { ...fields, ...changes } };
}

const HAN = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]/gu;
const WORD = /[\p{Script=Latin}\p{Script=Cyrillic}'’]+/gu;

// How long a text will sound, roughly: a syllable for each character of Chinese and each digit, a word, a pause.
export function estimateSeconds(text, speed = 1) {
  const many = (pattern) => (text.match(pattern) ?? []).length;
  return (0.23 * many(HAN) + 0.36 * many(WORD) + 0.24 * many(/\d/g) + 0.25 * many(/[,.;:!?，。；：！？、\n]+/g)) / speed;
}

// What is asked of POST /generate_audio: a job's fields and file, as a request and as a curl command.
export const MODES = { sft: "预训练音色", clone: "3s极速复刻", cross: "跨语种复刻", instruct: "自然语言控制" };

// job: {mode: a key of MODES, fields: {name: text}, file: null or {blob, name}}. Returns the options of a fetch.
export function requestOf(job) {
  if (!job.file) return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(job.fields) };
  const body = new FormData();
  for (const [name, value] of Object.entries(job.fields)) body.append(name, value);
  body.append("prompt_speech_16k", job.file.blob, job.file.name);
  return { method: "POST", headers: {}, body };
}

// Quoted for a POSIX shell.
const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

// The same request for a terminal. A key is named, never shown.
export function curlOf(job, address, withKey) {
  const lines = [`curl -N ${quoted(address)}`];
  if (withKey) lines.push(`-H "Authorization: Bearer $API_KEY"`);
  if (job.file) {
    for (const [name, value] of Object.entries(job.fields)) lines.push(`--form-string ${quoted(`${name}=${value}`)}`);
    lines.push(`-F ${quoted(`prompt_speech_16k=@"${job.file.name.replaceAll(/["\\]/g, "\\$&")}"`)}`);
  } else {
    lines.push(`-H 'Content-Type: application/json'`, `-d ${quoted(JSON.stringify(job.fields))}`);
  }
  return [...lines, `-o speech.${job.fields.stream === "True" ? "mp3" : "wav"}`].join(" \\\n  ");
}

const HAN = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]/gu;
const WORD = /[\p{Script=Latin}\p{Script=Cyrillic}'’]+/gu;

// How long a text will sound, roughly: a syllable for each character of Chinese and each digit, a word, a pause.
export function estimateSeconds(text, speed = 1) {
  const many = (pattern) => (text.match(pattern) ?? []).length;
  return (0.23 * many(HAN) + 0.36 * many(WORD) + 0.24 * many(/\d/g) + 0.25 * many(/[,.;:!?，。；：！？、\n]+/g)) / speed;
}

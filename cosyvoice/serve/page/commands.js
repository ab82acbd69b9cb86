// The request of a take for programs: as a curl command, in Python and in JavaScript. A key is named, never shown.
import { $, make } from "./dom.js";
import { t } from "./i18n.js";
import { pathOf } from "./job.js";
import { key, recall, remember } from "./store.js";

const KINDS = { curl: ["cURL", curlOf], python: ["Python", pythonOf], javascript: ["JavaScript", javascriptOf] };
let shown = null;                             // the job

// {address, fields, files: {field: name}, withKey, target: name of the file to write} of a job
function partsOf(job) {
  const files = { ...(job.file && { prompt_speech_16k: job.file.name }), ...(job.source && { source_speech_16k: job.source.name }) };
  const target = `speech.${job.fields.stream === "True" ? "mp3" : "wav"}`;
  return { address: new URL(pathOf(job), location.href).href, fields: job.fields, files, withKey: Boolean(key()), target, isForm: Object.keys(files).length > 0 };
}

// Quoted for a POSIX shell.
const quoted = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

function curlOf({ address, fields, files, withKey, target, isForm }) {
  const lines = [`curl -N ${quoted(address)}`];
  if (withKey) lines.push(`-H "Authorization: Bearer $API_KEY"`);
  if (isForm) {
    for (const [name, value] of Object.entries(fields)) lines.push(`--form-string ${quoted(`${name}=${value}`)}`);
    for (const [name, file] of Object.entries(files)) lines.push(`-F ${quoted(`${name}=@"${file.replaceAll(/["\\]/g, "\\$&")}"`)}`);
  } else {
    lines.push(`-H 'Content-Type: application/json'`, `-d ${quoted(JSON.stringify(fields))}`);
  }
  return [...lines, `-o ${target}`].join(" \\\n  ");
}

// A JSON string is one of Python and of JavaScript too, and so is an object of strings and numbers.
const literal = (value) => JSON.stringify(value, null, 4);

function pythonOf({ address, fields, files, withKey, target, isForm }) {
  const opened = Object.entries(files).map(([name, file]) => `${literal(name)}: open(${literal(file)}, "rb")`).join(", ");
  return [
    ...(withKey ? ["import os", ""] : []),
    "import requests",
    "",
    `fields = ${literal(fields)}`,
    `answer = requests.post(`,
    `    ${literal(address)},`,
    isForm ? `    data=fields,\n    files={${opened}},` : "    json=fields,",
    ...(withKey ? [`    headers={"Authorization": f"Bearer {os.environ['API_KEY']}"},`] : []),
    ")",
    "answer.raise_for_status()",
    `open(${literal(target)}, "wb").write(answer.content)`,
  ].join("\n");
}

function javascriptOf({ address, fields, files, withKey, target, isForm }) {
  const headers = [...(withKey ? ["Authorization: `Bearer ${process.env.API_KEY}`"] : []), ...(isForm ? [] : [`"Content-Type": "application/json"`])];
  return [
    `import { ${isForm ? "openAsBlob, " : ""}writeFileSync } from "node:fs";`,
    "",
    `const fields = ${literal(fields)};`,
    ...(isForm ? ["const body = new FormData();", "for (const [name, value] of Object.entries(fields)) body.append(name, value);"] : ["const body = JSON.stringify(fields);"]),
    ...Object.entries(files).map(([name, file]) => `body.append(${literal(name)}, await openAsBlob(${literal(file)}), ${literal(file)});`),
    `const answer = await fetch(${literal(address)}, { method: "POST", headers: { ${headers.join(", ")} }, body });`,
    "if (!answer.ok) throw new Error(await answer.text());",
    `writeFileSync(${literal(target)}, Buffer.from(await answer.arrayBuffer()));`,
  ].join("\n");
}

export function renderCommand(job) {
  shown = job;
  $("command-text").textContent = KINDS[$("command-kind").value][1](partsOf(job));
}

// Copy the text of an element; `button` says so for a moment.
export async function copy(element, button) {
  const label = button.querySelector("span") ?? button;
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(element.textContent);
  } else {                                    // plain http on a network address has no clipboard: select it instead
    getSelection().selectAllChildren(element);
    document.execCommand("copy");
  }
  label.textContent = t("copied");
  setTimeout(() => { label.textContent = t("copy"); }, 1500);
}

$("command-kind").append(...Object.entries(KINDS).map(([value, [textContent]]) => make("option", { value, textContent })));
$("command-kind").value = KINDS[recall("command")] ? recall("command") : "curl";
$("command-kind").addEventListener("change", ({ target }) => { remember("command", target.value); renderCommand(shown); });
$("copy").addEventListener("click", () => copy($("command-text"), $("copy")));

// The page of the API: a form for every call, made from the description of its fields, and what the service answers.
import { make } from "./dom.js";
import { key, rememberKey } from "./store.js";

const WORDS = { try: "Try it / 试一试", send: "Send / 发送", sending: "Sending … / 正在发送……", lost: "The service does not answer. / 服务没有回应。" };

// [name, schema, required, where] of each parameter and field of a body; where: "path", "query" or "body".
function fieldsOf(call) {
  const parameters = (call.parameters ?? []).map((item) => [item.name, item.schema, item.required, item.in]);
  const { properties = {}, required = [] } = bodyOf(call)?.schema ?? {};
  return [...parameters, ...Object.entries(properties).map(([name, schema]) => [name, schema, required.includes(name), "body"])];
}

const contentOf = (call) => call.requestBody?.content ?? {};
// The form with files where there is one, else the JSON.
const bodyOf = (call) => contentOf(call)["multipart/form-data"] ?? contentOf(call)["application/json"];

function control(name, schema, required) {
  const kinds = [schema.type].flat(), shared = { name, required };
  if (schema.enum) return make("select", shared, ...(required ? [] : [make("option", { value: "" })]), ...[...new Set(schema.enum)].map((value) => make("option", { textContent: value })));
  if (schema.format === "binary") return make("input", { ...shared, type: "file" });
  if (kinds.includes("array") || schema.maxLength > 200) return make("textarea", { ...shared, rows: 2 });
  return make("input", { ...shared, autocomplete: "off" });
}

// In the order of the section's table: JSON has sorted them by name.
function inOrder(section, fields) {
  const names = [...section.querySelectorAll("td code")].map((cell) => cell.textContent);
  return fields.sort(([a], [b]) => names.indexOf(a) - names.indexOf(b));
}

function formOf(section, call) {
  const fields = inOrder(section, fieldsOf(call)), answer = make("div", { ariaLive: "polite" });
  const form = make("form", {}, ...fields.map(([name, schema, required]) =>
    make("label", {}, make("span", { textContent: required ? `${name} *` : name }), control(name, schema, required))), make("button", { textContent: WORDS.send }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(section.dataset, call, readForm(form, fields), answer);
  });
  return make("details", {}, make("summary", { textContent: WORDS.try }), form, answer);
}

// {path, query, body} of what is filled in: {name: text, or a file}.
function readForm(form, fields) {
  const values = { path: {}, query: {}, body: {} };
  for (const [name, , , where] of fields) {
    const given = form.elements[name].files ? form.elements[name].files[0] : form.elements[name].value;
    if (given) values[where][name] = given;
  }
  return values;
}

// A form where a file is sent, else JSON. Arrays and objects are written as JSON in their field.
function bodyToSend(call, values) {
  if (!bodyOf(call)) return {};
  if (Object.values(values).some((value) => value instanceof File)) {
    const form = new FormData();
    for (const [name, value] of Object.entries(values)) form.append(name, value);
    return { body: form };
  }
  const { properties } = contentOf(call)["application/json"]?.schema ?? bodyOf(call).schema;
  const read = (name, value) => ([properties[name]?.type].flat().some((kind) => kind === "array" || kind === "object") ? parsed(value) : value);
  const body = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, read(name, value)]));
  return { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;                              // the service says what is wrong with it
  }
}

async function send({ method, path }, call, { path: parts, query, body }, answer) {
  const filled = path.slice(1).replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(parts[name] ?? ""));
  const search = new URLSearchParams(query).toString(), request = bodyToSend(call, body);
  answer.replaceChildren(make("p", { textContent: WORDS.sending }));
  try {
    const headers = { ...request.headers, ...(key() && { Authorization: `Bearer ${key()}` }) };
    const response = await fetch(`${filled || "."}${search && "?"}${search}`, { ...request, method: method.toUpperCase(), headers });
    answer.replaceChildren(make("p", { textContent: `${response.status} ${response.headers.get("Content-Type") ?? ""}` }), await shown(response));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    answer.replaceChildren(make("p", { textContent: WORDS.lost }));
  }
}

// Sound as a player, text as text.
async function shown(response) {
  const kind = response.headers.get("Content-Type") ?? "";
  if (kind.startsWith("audio/")) return make("audio", { controls: true, src: URL.createObjectURL(await response.blob()) });
  const text = await response.text();
  return make("pre", { tabIndex: 0, textContent: kind.endsWith("json") ? JSON.stringify(JSON.parse(text), null, 2) : text });
}

const field = document.getElementById("key");
field.value = key() ?? "";
field.addEventListener("input", () => rememberKey(field.value.trim() || null));
const { paths } = await (await fetch("openapi.json")).json();
document.getElementById("key-part").hidden = false;
for (const section of document.querySelectorAll("section")) section.append(formOf(section, paths[section.dataset.path][section.dataset.method]));

// The shelf of saved voices: rename, take along as a file, bring one, mix two. Each is offered where the service has it.
import { call } from "./api.js";
import { $, make, save } from "./dom.js";
import { t } from "./i18n.js";
import { complain, notice } from "./notice.js";
import { describe } from "./speakers.js";
import { remember, userId } from "./store.js";
import { choose, chosenOwn, languageOf, ownVoices, speakerIds, voiceKept } from "./voices.js";

const addressOf = (name) => `voices/${encodeURIComponent(name)}`;
const json = (values) => ({ headers: { "Content-Type": "application/json" }, body: JSON.stringify(values) });

// paths: of the service's description.
export function offerShelf(paths) {
  const made = paths["/voices"]?.post?.requestBody.content["application/json"].schema.properties ?? {};
  $("rename").hidden = !paths["/voices/{name}"]?.patch;
  $("take-along").hidden = !paths["/voices/{name}/file"];
  $("bring").hidden = !made.voice_file;
  $("mix-open").hidden = !made.mix;
}

// Do what changes the shelf; say what went wrong.
async function change(act) {
  try {
    await act();
  } catch (error) {
    if (!error.say) throw error;
    complain(error);
  }
}

async function rename() {
  const name = chosenOwn(), next = prompt(t("rename_to", { name }), name)?.trim();
  if (!next || next === name) return;
  await call(addressOf(name), { method: "PATCH", ...json({ user_id: userId(), new_name: next }) });
  remember("voice", JSON.stringify({ own: next }));
  await voiceKept(next);
  choose({ own: next });
}

async function takeAlong() {
  const name = chosenOwn();
  const response = await call(`${addressOf(name)}/file?user_id=${encodeURIComponent(userId())}`);
  save(await response.blob(), `${name}.pt`);
}

async function bring(file) {
  const name = prompt(t("bring_as"), file.name.replace(/\.\w+$/, ""))?.trim();
  if (!name) return;
  const body = new FormData();
  for (const [field, value] of Object.entries({ user_id: userId(), name })) body.append(field, value);
  body.append("voice_file", file, file.name);
  await call("voices", { method: "POST", body });
  await added(name);
}

async function added(name) {
  await voiceKept(name);
  choose({ own: name });
  notice(() => t("kept", { name }), { good: true });
}

// ---- a mixture of two

function openMix() {
  const options = () => [...speakerIds().map((id) => make("option", { value: id, textContent: describe(id, languageOf(id)) })),
    ...ownVoices().map((name) => make("option", { value: name, textContent: name }))];
  for (const id of ["mix-first", "mix-second"]) $(id).replaceChildren(...options());
  $("mix-second").selectedIndex = 1;
  $("mix-error").textContent = "";
  renderShare();
  $("mix").showModal();
}

function renderShare() {
  const first = Number($("mix-share").value);
  $("mix-share-value").textContent = t("mix_shares", { first, second: 100 - first });
}

async function mix(event) {
  event.preventDefault();
  const name = $("mix-name").value.trim(), first = Number($("mix-share").value);
  const problem = !name ? "need_name" : $("mix-first").value === $("mix-second").value ? "need_two" : null;
  $("mix-error").textContent = problem ? t(problem) : "";
  if (problem) return;
  const shares = { [$("mix-first").value]: first / 100, [$("mix-second").value]: 1 - first / 100 };
  try {
    await call("voices", { method: "POST", ...json({ user_id: userId(), name, mix: shares }) });
  } catch (error) {
    if (!error.say) throw error;
    $("mix-error").textContent = error.say();
    return;
  }
  $("mix").close();
  await added(name);
}

$("rename").addEventListener("click", () => change(rename));
$("take-along").addEventListener("click", () => change(takeAlong));
$("bring").addEventListener("click", () => $("voice-file").click());
$("voice-file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  if (file) change(() => bring(file));
  target.value = "";
});
$("mix-open").addEventListener("click", openMix);
$("mix-share").addEventListener("input", renderShare);
$("mix-form").addEventListener("submit", mix);
$("mix-cancel").addEventListener("click", () => $("mix").close());

// The shelf of saved voices: rename, take along as a file, bring one, mix two. Each is offered where the service has it.
import { call, Trouble } from "./api.js";
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

// A call that gives a voice a name.
async function callNaming(path, named, options) {
  try {
    return await call(path, options);
  } catch (error) {
    if (error.code !== "voice_exists") throw error;
    throw new Trouble(() => t("name_taken", { name: named }));
  }
}

async function rename() {
  const old = chosenOwn(), next = prompt(t("rename_to", { name: old }), old)?.trim();
  if (!next || next === old) return;
  await callNaming(addressOf(old), next, { method: "PATCH", ...json({ user_id: userId(), new_name: next }) });
  remember("voice", JSON.stringify({ own: next }));
  await voiceKept(next);
  choose({ own: next });
}

async function takeAlong() {
  const own = chosenOwn();
  const response = await call(`${addressOf(own)}/file?user_id=${encodeURIComponent(userId())}`);
  save(await response.blob(), `${own}.pt`);
}

async function bring(file) {
  const kept = prompt(t("bring_as"), file.name.replace(/\.\w+$/, ""))?.trim();
  if (!kept) return;
  const body = new FormData();
  for (const [field, value] of Object.entries({ user_id: userId(), name: kept })) body.append(field, value);
  body.append("voice_file", file, file.name);
  await callNaming("voices", kept, { method: "POST", body });
  await added(kept);
}

async function added(own) {
  await voiceKept(own);
  choose({ own });
  notice(() => t("kept", { name: own }), { good: true });
}

// ---- a mixture of two

function openMix() {
  const options = () => [...speakerIds().map((id) => make("option", { value: id, textContent: describe(id, languageOf(id)) })),
    ...ownVoices().map((own) => make("option", { value: own, textContent: own }))];
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
  const mixed = $("mix-name").value.trim(), first = Number($("mix-share").value);
  const problem = !mixed ? "need_name" : $("mix-first").value === $("mix-second").value ? "need_two" : null;
  $("mix-error").textContent = problem ? t(problem) : "";
  if (problem) return;
  const shares = { [$("mix-first").value]: first / 100, [$("mix-second").value]: 1 - first / 100 };
  try {
    await callNaming("voices", mixed, { method: "POST", ...json({ user_id: userId(), name: mixed, mix: shares }) });
  } catch (error) {
    if (!error.say) throw error;
    $("mix-error").textContent = error.say();
    return;
  }
  $("mix").close();
  await added(mixed);
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

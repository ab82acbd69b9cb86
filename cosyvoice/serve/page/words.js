// The visitor's own pronunciations: words and how each is said, kept by the service, edited in a dialog.
import { ask, call } from "./api.js";
import { $, make } from "./dom.js";
import { t } from "./i18n.js";
import { complain } from "./notice.js";
import { userId } from "./store.js";
import { tabs } from "./tabs.js";

let list = [];                                // [{word, said}] as the service keeps it

const address = () => `pronunciations?user_id=${encodeURIComponent(userId())}`;

// The list belongs to the visitor's id, which a request needs only when there is a list.
export const wordFields = () => (list.length ? { user_id: userId() } : {});

export async function loadWords() {
  try {
    const response = await ask(address());
    list = response ? (await response.json()).pronunciations : [];
  } catch (error) {
    list = [];
    if (error.status !== 403) throw error;     // a key of another user: speaking works without a list
  }
  changed();
}

const changed = () => document.dispatchEvent(new Event("words"));

// One entry as a row of two fields and a button that removes it.
function row({ word, said } = { word: "", said: "" }) {
  const field = (value, key, most) => make("input", { value, maxLength: most, placeholder: t(key), ariaLabel: t(key), autocomplete: "off", spellcheck: false });
  const drop = make("button", { type: "button", className: "quiet icon", ariaLabel: t("remove_word"), title: t("remove_word") });
  drop.innerHTML = '<svg><use href="#i-close"/></svg>';
  const line = make("li", {}, field(word, "word", 50), field(said, "said", 100), drop);
  drop.addEventListener("click", () => {
    const next = line.nextElementSibling ?? line.previousElementSibling;
    line.remove();
    (next?.querySelector("input") ?? $("words-add")).focus();
  });
  return line;
}

// With the list as it is kept now: what is saved replaces all of it.
async function open() {
  try {
    await loadWords();
  } catch (error) {
    if (!error.say) throw error;
    return complain(error);
  }
  $("words-list").replaceChildren(...list.map(row), row());
  say(null);
  $("words").showModal();
  $("words-list").querySelector("li:last-child input").focus();
}

function add() {
  $("words-list").append(row());
  $("words-list").querySelector("li:last-child input").focus();
}

// Rows that hold anything, with what they hold.
function entries() {
  return [...$("words-list").children].map((line) => {
    const [word, said] = [...line.querySelectorAll("input")].map((input) => input.value.trim());
    return { line, word, said };
  }).filter(({ word, said }) => word || said);
}

async function keep(event) {
  event.preventDefault();
  const filled = entries(), body = JSON.stringify({ pronunciations: filled.map(({ word, said }) => ({ word, said })) });
  say(null);
  try {
    const response = await call(address(), { method: "PUT", headers: { "Content-Type": "application/json" }, body });
    list = (await response.json()).pronunciations;
  } catch (error) {
    if (!error.say) throw error;
    return say(error, filled[Number(/\[(\d+)\]/.exec(error.field)?.[1])]?.line);
  }
  $("words").close();
  changed();
  tabs.postMessage({ words: true });
}

// What is wrong, with the row it is about marked; null clears it.
function say(trouble, line = null) {
  for (const input of $("words-list").querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  $("words-error").textContent = trouble?.say() ?? "";
  const input = line?.querySelector("input");
  if (!input) return;
  for (const field of line.querySelectorAll("input")) field.setAttribute("aria-invalid", "true");
  input.focus();
  line.scrollIntoView({ block: "center" });
}

$("words-open").addEventListener("click", open);
$("words-add").addEventListener("click", add);
$("words-cancel").addEventListener("click", () => $("words").close());
$("words-form").addEventListener("submit", keep);
tabs.listen(({ words }) => words && loadWords().catch(complain));

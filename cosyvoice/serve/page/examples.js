// Instructions to choose from: those that the loaded model is known to follow, by kind, else examples.
import { $, make } from "./dom.js";
import { language, t } from "./i18n.js";
import { hide } from "./notice.js";
import { STRINGS } from "./strings.js";

const KINDS = ["emotion", "style", "speed", "loudness", "dialect"];      // of GET /instructions, in the order in which they are shown

// instructions: [{text, kind, en, zh}] as the service tells them.
export function renderExamples(instructions = []) {
  const keys = Object.keys(STRINGS).filter((name) => name.startsWith("example_"));
  const plain = [chips(keys.map((name) => [t(name), t(name)]))];
  $("examples").replaceChildren(...(instructions.length ? groups(instructions) : plain));
}

function groups(instructions) {
  const kinds = [...new Set([...KINDS, ...instructions.map(({ kind }) => kind)])];
  return kinds.flatMap((kind) => {
    const list = instructions.filter((each) => each.kind === kind).map(({ text, en, zh }) => [language() === "zh" ? zh : en, text]);
    const name = KINDS.includes(kind) ? t(`kind_${kind}`) : kind;
    return list.length ? [make("div", { className: "group" }, make("h3", { className: "hint", textContent: name }), chips(list))] : [];
  });
}

// list: [name, instruction]
function chips(list) {
  return make("div", { className: "chips" }, ...list.map(([name, words]) =>
    make("button", { type: "button", className: "chip", textContent: name, title: words, onclick: () => choose(words) })));
}

function choose(words) {
  $("instruction").value = words;
  $("instruction").dispatchEvent(new Event("input", { bubbles: true }));
  hide();
}

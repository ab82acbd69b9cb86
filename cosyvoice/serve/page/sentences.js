// The sentences of a take: one stop of the Tab key, arrow keys inside, and the one being spoken is lit.
import { $, make } from "./dom.js";

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity };
let jump = () => {};                          // set by player.js: play from sentence i
let lit = null;                               // index of the sentence being spoken
let stop = 0;                                 // index of the one that the Tab key reaches

export function onJump(act) {
  jump = act;
}

// Index of the sentence that is meant: the one being spoken, else the one that was chosen last.
export const current = () => lit ?? stop;

export function forgetSentences() {
  [lit, stop] = [null, 0];
  $("sentences").replaceChildren();
}

// One span that acts as a button per sentence (a real button would not flow with the text); kept while the list grows, so that focus stays.
export function renderSentences(sentences) {
  sentences.forEach(({ text, spoken }, i) => {
    const span = $("sentences").children[i] ?? sentence(i);
    if (span.textContent !== text) span.textContent = text;
    span.title = spoken && spoken !== text ? spoken : "";
  });
}

function sentence(i) {
  const span = make("span", { tabIndex: i === stop ? 0 : -1, onclick: () => choose(i) });
  span.setAttribute("role", "button");
  span.addEventListener("focus", () => move(i));
  span.addEventListener("keydown", (event) => press(event, i));
  $("sentences").append(span, " ");           // between words of most languages, and where a line may break
  return span;
}

function choose(i) {
  move(i);
  jump(i);
}

function press(event, i) {
  const { children } = $("sentences"), step = STEPS[event.key];
  if (step) children[Math.max(0, Math.min(children.length - 1, i + step))].focus();
  else if (event.key === "Enter" || event.key === " ") choose(i);
  else return;
  event.preventDefault();
}

// The Tab key reaches sentence i from now on.
function move(i) {
  const { children } = $("sentences");
  if (children[stop]) children[stop].tabIndex = -1;
  children[i].tabIndex = 0;
  stop = i;
}

// Light sentence i, none where i is null.
export function light(i) {
  if (i === lit) return;
  const { children } = $("sentences");
  children[lit]?.removeAttribute("aria-current");
  children[i]?.setAttribute("aria-current", "true");
  lit = i;
  if (children[i] && !$("sentences").contains(document.activeElement)) move(i);
}

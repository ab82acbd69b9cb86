// The takes of this visit, newest first; they live as long as the page.
import { $, clock, make } from "./dom.js";
import { language, t } from "./i18n.js";
import { present, presented, sound } from "./player.js";
import { SPEAKERS } from "./strings.js";

const MOST = 30;                              // takes kept
const takes = [];

export function addToHistory(take) {
  if (takes.includes(take) || !take.seconds) return;
  takes.unshift(take);
  takes.splice(MOST);
  render();
}

// Called whenever another take is shown or one has changed.
export function render() {
  $("history").hidden = takes.length < 1;
  $("takes").replaceChildren(...takes.map((take) => {
    const text = take.job.fields.tts_text.trim();
    const button = make("button", { type: "button", className: "past", onclick: () => replay(take), title: t("replay", { text: text.slice(0, 80) }) },
      make("b", { textContent: text }), make("span", { textContent: about(take) }), make("span", { className: "clock", textContent: clock(take.seconds) }));
    if (take === presented()) button.setAttribute("aria-current", "true");
    return make("li", {}, button);
  }));
}

function about({ job: { mode, fields, file } }) {
  const speaker = language() === "en" ? SPEAKERS[fields.spk_id] : null;
  return [t(mode), fields.spk_customize ?? speaker ?? fields.spk_id ?? file?.name, fields[mode === "instruct" ? "prompt_text" : "exp_name"]].filter(Boolean).join(" · ");
}

function replay(take) {
  if (take === presented()) {
    sound.seek(0);
    sound.play();
  } else {
    present(take, { play: true });
  }
  render();
}

document.addEventListener("language", render);

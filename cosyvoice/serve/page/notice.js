// The one place where the page says that something went wrong, or went well, and offers what to do next.
import { $, make } from "./dom.js";
import { t } from "./i18n.js";

const CONTROLS = {                            // field of the service's errors -> id of its control
  tts_text: "text", spk_id: "speaker", spk_customize: "speaker", prompt_text: "transcript", prompt_speech_16k: "record",
  source_speech_16k: "source-record", exp_name: "keep", seed: "seed", speed: "speed", user_id: "settings-open", pronunciations: "words-open",
};
let shown = null;
let counting = 0;

// say: () => the sentence. actions: [{key, run, after}]; after: seconds until it runs by itself.
export function notice(say, { actions = [], good = false, control = null } = {}) {
  hide();
  shown = { say, actions };
  $("notice").classList.toggle("good", good);
  $("notice").hidden = false;
  render();
  const wait = actions.find((action) => action.after);
  if (wait) count(wait);
  if (control) mark(control);
  else $("notice").scrollIntoView({ block: "nearest" });
}

// Show a Trouble; jump to the control it is about.
export function complain(trouble, actions = [], instructing = false) {
  const id = trouble.field === "prompt_text" && instructing ? "instruction" : CONTROLS[trouble.field];
  notice(trouble.say, { actions, control: id && $(id) });
}

export function hide() {
  clearInterval(counting);
  shown = null;
  $("notice").hidden = true;
  for (const element of document.querySelectorAll("[aria-invalid]")) element.removeAttribute("aria-invalid");
}

function mark(control) {
  control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-errormessage", "notice");
  (control.matches("input, textarea, button") ? control : control.querySelector("input, button"))?.focus();
  control.scrollIntoView({ block: "center" });      // not under the sentence
  control.addEventListener("input", hide, { once: true });
}

function count(action) {
  counting = setInterval(() => {
    action.after -= 1;
    if (action.after > 0) return render();
    hide();
    action.run();
  }, 1000);
}

function render() {
  if (!shown) return;
  const sentence = shown.say();
  const line = $("notice").querySelector("p");
  if (line.textContent !== sentence) line.textContent = sentence;
  const close = { key: "close", run: () => {} };
  $("notice").querySelector("div").replaceChildren(...[...shown.actions, close].map((action) => {
    const label = action.after ? t("again_in", { n: action.after }) : t(action.key);
    return make("button", { type: "button", className: action.key === "close" ? "quiet" : "soft", textContent: label,
      onclick: () => { hide(); action.run(); } });
  }));
}

document.addEventListener("language", render);

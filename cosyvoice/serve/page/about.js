// What this service is: where programs find it, and what to know of its model.
import { ask } from "./api.js";
import { copy } from "./commands.js";
import { $ } from "./dom.js";
import { language } from "./i18n.js";

const ROUGH = /^CosyVoice-Mini/;              // the model that is part of the repository
const PYTHON = navigator.userAgent.includes("Windows") ? ".venv\\Scripts\\python" : ".venv/bin/python";
const readmes = { zh: "page/README.zh-CN.md", en: "page/README.md" };

export function renderModel(name = "") {
  $("rough-open").hidden = !ROUGH.test(name);
}

// A container may leave the README out.
async function findReadme() {
  const found = await ask(readmes.en, { method: "HEAD" }).catch(() => null);
  $("readme").hidden = !found;
}

function renderLinks() {
  $("readme").href = readmes[language()];
}

$("rough-command").textContent = `${PYTHON} -m cosyvoice download CosyVoice-300M-25Hz`;
$("openai-address").textContent = new URL("v1", location.href).href;
$("rough-open").addEventListener("click", () => $("rough").showModal());
$("rough-copy").addEventListener("click", () => copy($("rough-command"), $("rough-copy")));
$("openai-copy").addEventListener("click", () => copy($("openai-address"), $("openai-copy")));
document.addEventListener("language", renderLinks);
findReadme();

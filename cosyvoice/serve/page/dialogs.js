// Settings, the key, light and dark, the language.
import { onKeyWanted } from "./api.js";
import { $ } from "./dom.js";
import { language, setLanguage, t } from "./i18n.js";
import { recall, remember, userId } from "./store.js";

function askForKey(wasWrong) {
  $("key-hint").textContent = t(wasWrong ? "key_wrong" : "key_hint");
  $("key-value").value = "";
  $("key").returnValue = "";
  $("key").showModal();
  return new Promise((resolve) => {
    $("key").addEventListener("close", () => resolve($("key").returnValue === "ok" ? $("key-value").value.trim() : null), { once: true });
  });
}

function closeSettings() {
  const id = $("user").value.trim();
  if (!id || id === userId()) return;
  remember("user", id);
  document.dispatchEvent(new Event("user"));
}

onKeyWanted(askForKey);
$("key-cancel").addEventListener("click", () => $("key").close());
$("settings-open").addEventListener("click", () => { $("user").value = userId(); $("settings").showModal(); });
$("settings").addEventListener("close", closeSettings);
$("language").addEventListener("click", () => setLanguage(language() === "zh" ? "en" : "zh"));
$("theme").addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  remember("theme", next);
  dispatchEvent(new Event("resize"));         // waveforms are drawn in the new colours
});
document.addEventListener("language", () => {
  $("language").textContent = t("other_language");
  $("language").lang = language() === "zh" ? "en" : "zh-CN";
});
addEventListener("storage", ({ key }) => {
  if (key === "cosyvoice_language" && recall("language") !== language()) setLanguage(recall("language"));
  if (key === "cosyvoice_user") document.dispatchEvent(new Event("user"));
});

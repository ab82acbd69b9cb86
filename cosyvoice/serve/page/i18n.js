// The page's language: English or Chinese, as chosen here before, else as the browser prefers.
import { recall, remember } from "./store.js";
import { STRINGS } from "./strings.js";

let current = recall("language") ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");

export const language = () => current;

export function t(key, values = {}) {
  return STRINGS[key][current === "zh" ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Fill in all [data-i18n*] elements and tell the modules that write text themselves (event "language").
export function translate() {
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
  document.title = t("title");
  for (const e of document.querySelectorAll("[data-i18n]")) e.textContent = t(e.dataset.i18n);
  for (const e of document.querySelectorAll("[data-i18n-placeholder]")) e.placeholder = t(e.dataset.i18nPlaceholder);
  for (const e of document.querySelectorAll("[data-i18n-label]")) {
    e.setAttribute("aria-label", t(e.dataset.i18nLabel));
    if (e.tagName === "BUTTON") e.title = t(e.dataset.i18nLabel);
  }
  document.dispatchEvent(new Event("language"));
}

export function setLanguage(next) {
  current = next;
  remember("language", next);
  translate();
}

// The service says everything as "English / 中文": the half in the page's language. What both halves quote may
// hold " / " itself, equally often, so the middle one divides.
export function half(message) {
  const parts = message.split(" / ");
  if (parts.length % 2) return message;
  const middle = parts.length / 2;
  return (current === "zh" ? parts.slice(middle) : parts.slice(0, middle)).join(" / ");
}

// 4.2 -> "4.2 s", 75 -> "1 min 15 s"
export function duration(seconds) {
  if (seconds < 9.95) return t("seconds", { n: seconds.toFixed(1) });
  const whole = Math.round(seconds);
  return whole < 60 ? t("seconds", { n: whole }) : t("minutes", { m: Math.floor(whole / 60), s: whole % 60 });
}

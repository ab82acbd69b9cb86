// Help with the text: a file opened or dropped, sample texts, and a fresh start that can be taken back.
import { Trouble } from "./api.js";
import { $ } from "./dom.js";
import { language, t } from "./i18n.js";
import { complain, hide, notice } from "./notice.js";

const MOST = 1_000_000;                       // bytes of a text file
const KINDS = /\.(txt|md|markdown|srt|text)$/i;
const SAMPLES = {
  en: [
    "Good evening. Tonight will be clear and calm, with a light wind from the west and a low of 12 degrees.",
    "Once upon a time, at the edge of a quiet forest, there lived an old clockmaker who could repair anything but his own clock.",
    "Your order of 3 books for $42.50 left our warehouse on May 4th and should reach you within 2 working days.",
  ],
  zh: [
    "晚上好。今夜晴，西风二级，最低气温12摄氏度，适合出门散步。",
    "从前，在一片安静的森林边上，住着一位老钟表匠。他什么钟都能修好，唯独修不好自己的那一座。",
    "您购买的3本书（共128.50元）已于5月4日发出，预计2个工作日内送达，请保持电话畅通。",
  ],
};
let next = 0;                                 // sample

function write(text) {
  $("text").value = text;
  $("text").dispatchEvent(new Event("input", { bubbles: true }));
}

// The next sample text, in the page's language.
function sample() {
  const texts = SAMPLES[language()];
  write(texts[next % texts.length]);
  next += 1;
}

function clear() {
  const before = $("text").value;
  write("");
  $("text").focus();
  if (before.trim()) notice(() => t("cleared"), { good: true, actions: [{ key: "undo", run: () => write(before) }] });
}

async function open(file) {
  hide();
  const wrong = refusal(file);
  if (wrong) return complain(new Trouble(() => t(wrong, { name: file.name }), { field: "tts_text" }));
  write(decoded(await file.arrayBuffer()));
  $("text").focus();
}

function refusal(file) {
  if (!KINDS.test(file.name) && !file.type.startsWith("text/")) return "text_kind";
  if (!file.size) return "file_empty";
  return file.size > MOST ? "text_big" : null;
}

// UTF-8, or what Chinese Windows writes.
function decoded(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("gb18030").decode(bytes);
  }
}

$("text-open").addEventListener("click", () => $("text-file").click());
$("text-file").addEventListener("change", ({ target }) => { if (target.files[0]) open(target.files[0]); target.value = ""; });
$("text-sample").addEventListener("click", sample);
$("text-clear").addEventListener("click", clear);
for (const event of ["dragover", "drop"]) {
  $("text").addEventListener(event, (moved) => {
    if (!moved.dataTransfer.types.includes("Files")) return;
    moved.preventDefault();
    if (event === "drop") open(moved.dataTransfer.files[0]);
  });
}

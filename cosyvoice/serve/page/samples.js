// A short sample of each voice, made when it is first asked for and kept in this browser.
import { call } from "./api.js";
import * as db from "./db.js";
import { language } from "./i18n.js";
import { MODES } from "./job.js";
import { userId } from "./store.js";

const MOST = 200;                             // samples kept
const SENTENCES = {
  zh: "你好，很高兴认识你。今天天气不错，我们一起出去走走吧。",
  yue: "你好，好高興認識你。今日天氣好好，不如一齊出去行下啦。",
  en: "Hello, it is very nice to meet you. The weather is fine today, so let us go out for a walk.",
  ja: "こんにちは、お会いできてうれしいです。今日は天気がいいので、散歩に行きましょう。",
  ko: "안녕하세요, 만나서 반갑습니다. 오늘은 날씨가 좋으니 산책하러 갑시다.",
  de: "Guten Tag, es freut mich, Sie kennenzulernen. Heute ist schönes Wetter, gehen wir spazieren.",
  fr: "Bonjour, je suis ravi de vous rencontrer. Il fait beau aujourd'hui, allons nous promener.",
  es: "Hola, es un placer conocerte. Hoy hace buen tiempo, vamos a dar un paseo.",
  it: "Ciao, è un piacere conoscerti. Oggi fa bel tempo, andiamo a fare una passeggiata.",
  ru: "Здравствуйте, очень приятно познакомиться. Сегодня хорошая погода, пойдёмте гулять.",
};

// voice: {speaker or own, language, made}; made tells apart models and voices of one name. Returns {sound: Blob, text}.
export async function sampleOf(voice) {
  const owner = voice.own ? userId() : "", id = JSON.stringify([owner, voice.own ?? voice.speaker, voice.made]);
  const kept = await db.get("samples", id).catch(() => null);          // storage may be blocked: it is made again then
  if (kept) return kept;
  const made = { id, date: Date.now(), ...await speak(voice) };
  await db.put("samples", made).then(prune).catch(() => {});
  return made;
}

async function speak({ speaker, own, language: of }) {
  const text = SENTENCES[of] ?? SENTENCES[language()];
  const whose = own ? { spk_customize: own, user_id: userId() } : { spk_id: speaker };
  const body = JSON.stringify({ mode: MODES.sft, tts_text: text, ...whose });
  const response = await call("generate_audio", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  return { text, sound: await response.blob() };
}

async function prune() {
  const oldest = (await db.every("samples")).sort((a, b) => a.date - b.date).slice(0, -MOST);
  for (const { id } of oldest) await db.remove("samples", id);
}

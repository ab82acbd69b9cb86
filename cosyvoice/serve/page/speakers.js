// What the model's speakers are, for people: their names are ids such as 中文女2.
import { t } from "./i18n.js";

export const LANGUAGES = ["zh", "yue", "en", "ja", "ko", "de", "fr", "es", "it", "ru"];       // in the order in which they are listed
const KINDS = [                               // who a name tells of; the first that fits, since "woman" holds "man"
  [/童|child|boy|girl/i, "who_child"],
  [/女|woman|female/i, "who_woman"],
  [/男|man|male/i, "who_man"],
];

// "woman 2" of 中文女2; the id itself where its name tells nothing.
export function who(id) {
  const kind = KINDS.find(([pattern]) => pattern.test(id));
  const number = /\d+$/.exec(id);
  return kind ? t(kind[1], { n: number ? ` ${number[0]}` : "" }) : id;
}

// "Chinese"; "" for a language that is not known.
export const languageName = (code) => (LANGUAGES.includes(code) ? t(`lang_${code}`) : "");

// "Chinese, woman 2"
export function describe(id, language) {
  const name = who(id);
  return name === id || !language ? id : t("speaker_is", { language: languageName(language), who: name });
}

// The voice changer's source: the recording whose words and melody stay while its voice becomes another one.
import { RecordingBox } from "./box.js";
import { findings, measure } from "./doctor.js";
import { $ } from "./dom.js";
import { duration } from "./i18n.js";

const LONGEST = 600;                          // seconds; the service takes no more
const box = new RecordingBox($("source-box"), { prefix: "source-", field: "source_speech_16k", longest: LONGEST, mostMb: 200, look, unseen });

export const changing = () => box.recording;
// {blob, name, seconds}, or null
export const sourceFile = () => box.file && { ...box.file, seconds: box.held.seconds };

// A kept take's recording, to be used once more.
export const putSourceBack = ({ blob, name }) => box.accept(new File([blob], name, { type: blob.type }));

// All of it is used; what matters is that something is heard and that it is not too long.
function look(samples, rate) {
  const measured = measure(samples, rate);
  const silent = findings(measured).filter(({ level }) => level === "bad");
  const long = measured.seconds > LONGEST + 0.5 ? [{ level: "bad", key: "source_long", values: { most: duration(LONGEST) } }] : [];
  return { samples, measured, found: [...silent, ...long] };
}

async function unseen() {
  return [{ level: "warn", key: "look_unknown", values: {} }];
}

// Speaking: ask for a take's sound, read it while it is made, and follow the request's state beside it.
import { ask, call, Trouble } from "./api.js";
import { duration, t } from "./i18n.js";
import { pathOf, requestOf } from "./job.js";
import { FrameSplitter } from "./mp3.js";

const OFTEN = 400, SELDOM = 1000;             // ms between two questions about a request: before and after its first sound

// Fill `take`; called again on a lost take it goes on after the sound that is there, because the same request makes
// the same sound. Returns when the sound is whole. Throws Trouble; leaves take.state at done, stopped, lost or failed.
export async function speak(take, signal) {
  const over = new AbortController();
  const followed = follow(take, over.signal);
  try {
    await receive(take, signal);
    await take.finish();
    take.change({ state: "done", rtf: take.rtf ?? (performance.now() - take.asked) / 1000 / take.seconds });
  } catch (error) {
    if (error.name !== "AbortError") throw failed(take, error);
    take.look(0);
    take.change({ state: "stopped" });
  } finally {
    over.abort();
    await followed;
    if (take.seconds) await lastWord(take);
  }
}

async function receive(take, signal) {
  const { headers, ...request } = requestOf(take.job);
  const response = await call(pathOf(take.job), { ...request, signal, headers: { ...headers, "X-Request-ID": take.id } });
  take.leftOut = decodeURIComponent(response.headers.get("X-Text-Warnings")?.split(": ")[1] ?? "");
  take.type = response.headers.get("Content-Type") ?? "audio/mpeg";
  const splitter = take.streamed ? new FrameSplitter(take.frames.length) : null;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();              // throws when the connection breaks
    if (done) return;
    if (splitter) take.addFrames(splitter.push(value));
    else take.addBytes(value);
  }
}

function failed(take, error) {
  take.look(0);
  const begun = take.parts.length > 0;
  take.change({ state: begun ? "lost" : "failed" });
  if (!begun && error instanceof Trouble) return error;
  return new Trouble(() => (begun ? t("lost", { all: duration(take.seconds) }) : t("unreachable")), { code: begun ? "lost" : "unreachable" });
}

async function follow(take, over) {
  while (!over.aborted) {
    await new Promise((wake) => {
      setTimeout(wake, take.parts.length ? SELDOM : OFTEN);
      over.addEventListener("abort", wake);
    });
    if (!over.aborted && !(await learn(take, over))) return;
  }
}

// Ask once how the request is doing. False when this service keeps no such record.
async function learn(take, signal) {
  try {
    const response = await ask(`requests/${take.id}`, { signal });
    if (response) note(take, await response.json());
    return Boolean(response);
  } catch {
    return true;                              // not known yet, or a hiccup beside the sound: the sound itself will tell
  }
}

function note(take, record) {
  const known = { sentences: record.sentences ?? [], rtf: record.rtf ?? null, seed: record.seed ?? take.seed };
  const waiting = record.state === "queued" && !take.parts.length;
  const resumed = known.sentences.length < take.sentences.length;        // a resumed request catches up first
  if (resumed) delete known.sentences;
  take.change({ ...known, running: record.state === "running", place: waiting ? record.queue_position : null, startsIn: (waiting && record.starts_in) || null,
    ...(record.total_seconds && { estimate: record.total_seconds }), ...(waiting && { state: "queued" }), ...(take.state === "queued" && !waiting && { state: "waiting" }) });
}

// At the end: the final times, and the subtitles, which the service forgets after a while.
async function lastWord(take) {
  await learn(take);
  if (!take.sentences.length) return;
  const response = await ask(`requests/${take.id}/subtitles.srt`).catch(() => null);
  if (response) take.change({ subtitles: await response.text() });
}

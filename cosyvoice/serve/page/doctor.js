// A look at a reference recording before it is used: length, level, clipping, silence, noise, and whether the transcript fits.
// Findings are {level: "ok" | "warn" | "bad", key: of strings.js, values}.
import { clock } from "./dom.js";
import { estimateSeconds } from "./job.js";

const FRAME = 0.02;                           // seconds
export const LONGEST = 28;                    // seconds; the service takes 30 with its padding
const SHORTEST = 0.5, GOOD = [3, 15];         // seconds
const PAUSE = 0.2;                            // seconds of quiet that one may cut in
const FULL = 0.985;                           // a sample at or above this is clipped

const decibels = (power) => 10 * Math.log10(power + 1e-10);

// What the samples hold: loudness per frame in dB, which frames are speech, and the levels of both parts.
export function measure(samples, rate) {
  const step = Math.round(rate * FRAME);
  const loud = [];
  for (let at = 0; at + step <= samples.length; at += step) {
    let power = 0;
    for (let i = at; i < at + step; i += 1) power += samples[i] ** 2;
    loud.push(decibels(power / step));
  }
  const sorted = [...loud].sort((a, b) => a - b);
  const floor = sorted[Math.floor(sorted.length * 0.08)] ?? -100;
  const top = sorted[Math.floor(sorted.length * 0.95)] ?? -100;
  const speech = loud.map((db) => db > Math.max(top - 25, -55));
  const share = speech.filter(Boolean).length / Math.max(1, loud.length);
  return { seconds: samples.length / rate, loud, speech, share, top, floor, clipped: clippedShare(samples) };
}

function clippedShare(samples) {
  let clipped = 0;
  for (const x of samples) clipped += Math.abs(x) >= FULL;
  return clipped / Math.max(1, samples.length);
}

// A recording longer than LONGEST: the window between two pauses with the most speech in it, [from, to] in seconds.
export function bestPart({ speech, seconds }) {
  const cuts = [0, ...pauses(speech), seconds];
  const sums = [0];
  for (const spoken of speech) sums.push(sums.at(-1) + spoken);
  const spoken = (from, to) => sums[Math.min(Math.round(to / FRAME), speech.length)] - sums[Math.round(from / FRAME)];
  let best = [0, Math.min(seconds, LONGEST)], most = -1;
  for (const from of cuts) {
    const to = cuts.findLast((cut) => cut > from && cut - from <= LONGEST);
    if (to && spoken(from, to) > most) [best, most] = [[from, to], spoken(from, to)];
  }
  return best;
}

// The middles of the pauses, in seconds.
function pauses(speech) {
  const found = [];
  let quiet = 0;
  speech.forEach((spoken, i) => {
    if (spoken && quiet * FRAME >= PAUSE) found.push((i - quiet / 2) * FRAME);
    quiet = spoken ? 0 : quiet + 1;
  });
  return found;
}

export function findings(measured, cut = null) {
  if (measured.top < -50 || measured.share < 0.05) return [{ level: "bad", key: "look_silent", values: {} }];
  return [cut ? cutFinding(cut) : lengthFinding(measured.seconds), ...levelFindings(measured)];
}

function cutFinding({ from, to, all }) {
  return { level: "warn", key: "look_cut", values: { from: clock(from), to: clock(to), all: clock(all) } };
}

function lengthFinding(seconds) {
  const values = { n: seconds.toFixed(1) };
  if (seconds < SHORTEST) return { level: "bad", key: "look_seconds_too_short", values };
  if (seconds < GOOD[0]) return { level: "warn", key: "look_seconds_short", values };
  return seconds > GOOD[1] + 1 ? { level: "ok", key: "look_seconds_long", values } : { level: "ok", key: "look_seconds_ok", values };
}

function levelFindings({ top, floor, share, clipped }) {
  const found = [];
  if (clipped > 0.0005) found.push({ level: "warn", key: "look_clip", values: { n: (100 * clipped).toFixed(1) } });
  if (top < -34) found.push({ level: "warn", key: "look_level_low", values: { n: Math.round(top) } });
  if (share < 0.35) found.push({ level: "warn", key: "look_pauses", values: { n: Math.round(100 * share) } });
  if (top - floor < 18 && floor > -60) found.push({ level: "warn", key: "look_noise", values: { n: Math.round(top - floor) } });
  return found.length ? found : [{ level: "ok", key: "look_level_ok", values: {} }];
}

// Does the transcript fit? null while there is nothing to say.
export function transcriptFinding(measured, transcript) {
  const spoken = measured.share * measured.seconds, expected = estimateSeconds(transcript);
  if (!transcript.trim() || spoken < SHORTEST) return null;
  const values = { n: measured.seconds.toFixed(1) };
  if (expected > 2.2 * measured.seconds) return { level: "warn", key: "look_fast", values };
  return expected < 0.4 * spoken ? { level: "warn", key: "look_slow", values } : { level: "ok", key: "look_fits", values };
}

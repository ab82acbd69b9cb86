// One spoken result: what was asked, the sound as it arrives, and what is known about it.
import { decode, mono, peaks } from "./audio.js";
import { estimateSeconds } from "./job.js";
import { join } from "./mp3.js";
import { randomId } from "./store.js";

const LOOK = 0.8;                             // seconds of new sound that are worth decoding for the waveform
const LEAD = 4;                               // frames decoded before them, so that they decode as in the whole

// Events: "sound" (detail: bytes) as sound arrives, "change" when anything else does.
export class Take extends EventTarget {
  constructor(job) {
    super();
    this.job = job;
    this.estimate = job.source ? job.source.seconds / Number(job.fields.speed) : estimateSeconds(job.fields.tts_text, Number(job.fields.speed));
    Object.assign(this, {
      state: "waiting",                       // waiting, queued, speaking, done, stopped, lost or failed
      type: "", parts: [], frames: [], peaks: [], sentences: [], seconds: 0,
      place: null, startsIn: null, rtf: null, firstSound: null, subtitles: "", keptAs: null, seed: job.fields.seed, leftOut: "", looked: 0,
    });
    this.begin();
  }

  // A take of an earlier visit, of what record() gave.
  static of({ id, made, job, sound, ...known }) {
    const take = new Take(job);
    take.change({ ...known, id, made, keptAs: id, parts: [sound] });
    return take;
  }

  // What is kept of it in the browser.
  record() {
    const { id, made, job, state, type, peaks, sentences, seconds, rtf, firstSound, subtitles, seed, leftOut } = this;
    return { id, made, job, state, type, peaks, sentences, seconds, rtf, firstSound, subtitles, seed, leftOut, sound: this.blob() };
  }

  // Before each request for this sound: the first one, or one that goes on where another broke off.
  begin() {
    this.id = randomId(24);
    this.made = Date.now();
    this.asked = performance.now();
    this.change({ state: "waiting", place: null });
  }

  get active() {
    return ["waiting", "queued", "speaking"].includes(this.state);
  }

  get streamed() {
    return this.type.startsWith("audio/mpeg");
  }

  change(values) {
    Object.assign(this, values);
    this.dispatchEvent(new Event("change"));
  }

  // frames: [{data, seconds, rate}] of an MP3 stream
  addFrames(frames) {
    if (!frames.length) return;
    this.frames.push(...frames);
    this.seconds += frames.reduce((sum, frame) => sum + frame.seconds, 0);
    this.addBytes(join(frames.map((frame) => frame.data)));
    this.look(LOOK);
  }

  addBytes(bytes) {
    this.parts.push(bytes);
    this.dispatchEvent(new CustomEvent("sound", { detail: bytes }));
    this.change({ state: "speaking" });
  }

  blob() {
    return new Blob(this.parts, { type: this.type.split(";")[0] });
  }

  // Decode what was not looked at yet and add its peaks, when there is `least` seconds of it.
  look(least) {
    const from = this.looked;
    const fresh = this.frames.slice(from);
    const seconds = fresh.reduce((sum, frame) => sum + frame.seconds, 0);
    if (!fresh.length || seconds < least) return;
    this.looked = this.frames.length;
    const lead = this.frames.slice(Math.max(0, from - LEAD), from);
    const skipped = lead.reduce((sum, frame) => sum + frame.seconds, 0);
    this.looking = (this.looking ?? Promise.resolve()).then(() => this.addPeaks([...lead, ...fresh], skipped));
  }

  async addPeaks(frames, skipped) {
    const buffer = await decode(join(frames.map((frame) => frame.data)), 22050).catch(() => null);
    if (!buffer) return;                      // a waveform is missing a piece; the sound itself is not touched
    const samples = mono(buffer).subarray(Math.round(skipped * buffer.sampleRate));
    this.change({ peaks: this.peaks.concat(peaks(samples, buffer.sampleRate)) });
  }

  // The last bytes came: look at the rest, or at the whole of a WAV.
  async finish() {
    if (this.streamed) return this.look(0);
    const buffer = await decode(join(this.parts));
    this.change({ seconds: buffer.duration, peaks: peaks(mono(buffer), buffer.sampleRate) });
  }
}

// Playing: bytes go to the audio element while they arrive where the browser can do that (MediaSource with MP3, bare or in
// MP4), else the sound plays when it is whole.
import { MP4_MP3, Mp4Wrapper } from "./mp4.js";

const Source = window.ManagedMediaSource ?? window.MediaSource;
const KIND = ["audio/mpeg", MP4_MP3].find((kind) => Source?.isTypeSupported(kind));
const START = 0.6;                            // seconds to collect before the first sound: the first hop is shorter than the work on the second
const AHEAD = 1.2;                            // seconds to collect before going on after the sound ran dry
const BEHIND = 20;                            // seconds of played sound that stay in a full buffer

// Events: "first" at a take's first sound, "dry" when playing has overtaken the making, "blocked" when the
// browser wants a press of play, "broken" when it cannot play this.
export class Sound extends EventTarget {
  constructor(audio) {
    super();
    this.audio = audio;
    this.take = null;
    this.feed = (event) => this.append(event.detail);
    audio.addEventListener("playing", () => this.started());
    audio.addEventListener("waiting", () => this.rest());
    audio.addEventListener("timeupdate", () => this.pump());
    audio.addEventListener("ended", () => this.trimmed && this.load(this.take, false));
    audio.addEventListener("error", () => this.fail());
  }

  tell(name) {
    this.dispatchEvent(new Event(name));
  }

  // Play `take` while it is made. Call it in the click that asked for it: browsers want that.
  open(take) {
    this.close();
    this.take = take;
    take.addEventListener("sound", this.feed);
    if (!KIND || take.job.fields.stream !== "True") return;
    const source = this.source = new Source();
    this.audio.disableRemotePlayback = true;  // ManagedMediaSource wants it
    this.audio.src = URL.createObjectURL(this.source);
    source.addEventListener("sourceopen", () => source === this.source && this.attach(), { once: true });   // not one closed meanwhile
    this.wrapper = KIND === MP4_MP3 ? new Mp4Wrapper() : null;
    this.queue = [];
    take.parts.forEach((part) => this.append(part));
    this.play();
  }

  attach() {
    URL.revokeObjectURL(this.audio.src);
    this.buffer = this.source.addSourceBuffer(KIND);
    if (!this.wrapper) this.buffer.mode = "sequence";
    this.buffer.addEventListener("updateend", () => this.pump());
    this.pump();
  }

  append(bytes) {
    this.queue?.push(this.wrapper ? this.wrapper.wrap(bytes) : bytes);
    this.pump();
  }

  pump() {
    if (this.resting && (this.ahead() > AHEAD || this.ended)) this.play();
    if (!this.buffer || this.buffer.updating || this.source.readyState !== "open") return;
    if (!this.heard && this.take.seconds < START && !this.ended) return;
    if (this.queue.length) this.offer();
    else if (this.ended) this.source.endOfStream();
  }

  offer() {
    try {
      this.buffer.appendBuffer(this.queue[0]);
      this.queue.shift();
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error;
      const until = this.audio.currentTime - BEHIND;          // a long text: let go of what was heard
      this.trimmed = true;
      if (until > 1) this.buffer.remove(0, until);
    }
  }

  // No more will come. A sound that could not be streamed starts now.
  finish() {
    this.ended = true;
    if (this.source) this.pump();
    else this.load(this.take, true);
  }

  // A whole take, from its beginning.
  load(take, play) {
    this.close();
    this.take = take;
    this.audio.src = URL.createObjectURL(take.blob());
    if (play) this.play();
  }

  // The browser cannot play this: nothing more is fed to it.
  fail() {
    Object.assign(this, { source: null, buffer: null, queue: null, resting: false });
    this.tell("broken");
  }

  close() {
    this.take?.removeEventListener("sound", this.feed);
    if (this.audio.src.startsWith("blob:")) URL.revokeObjectURL(this.audio.src);
    this.audio.pause();
    Object.assign(this, { take: null, source: null, buffer: null, queue: null, ended: false, trimmed: false, resting: false, heard: false });
  }

  play() {
    this.resting = false;
    this.audio.play().catch((error) => {
      if (error.name === "NotAllowedError") this.tell("blocked");
      else if (error.name !== "AbortError" && error.name !== "NotSupportedError") throw error;   // the error event tells of those
    });
  }

  pause() {
    this.resting = false;
    this.audio.pause();
  }

  get playing() {
    return this.resting || !this.audio.paused;
  }

  seek(seconds) {
    this.audio.currentTime = Math.max(0, Math.min(seconds, this.end() - 0.05));
  }

  end() {
    const { buffered, duration } = this.audio;
    if (Number.isFinite(duration)) return duration;
    return buffered.length ? buffered.end(buffered.length - 1) : 0;
  }

  ahead() {
    return this.end() - this.audio.currentTime;
  }

  started() {
    if (this.heard) return;
    this.heard = true;
    this.tell("first");
  }

  // The sound ran dry while more is being made: better one pause than many.
  rest() {
    if (!this.source || this.ended || !this.heard || this.audio.paused) return;
    this.resting = this.take.active;          // a take that broke off rests for good
    this.audio.pause();
    this.tell("dry");
  }
}

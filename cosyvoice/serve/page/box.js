// A place for one recording: from the microphone, a file or a drop; drawn, heard again, and handed over as a file.
import { Trouble } from "./api.js";
import { decode, joinSamples, mono, peaks, resample, wav } from "./audio.js";
import { $, clock, make, setIcon } from "./dom.js";
import { half, t } from "./i18n.js";
import { complain, hide } from "./notice.js";
import { hush } from "./player.js";
import { Recorder } from "./recorder.js";
import { drawWave } from "./wave.js";

const RATE = 24000;                           // Hz of what is sent: more than the models hear
const LOW_RATE = 16000;                       // Hz of what would be too large otherwise; the models hear no more
export const MOST_MB = 20;                    // the service takes no larger body
const KINDS = /\.(wav|mp3|flac|ogg|oga|opus|m4a|mp4|aac|webm)$/i;

// Events: "begin" before another recording takes the place of the last one, "change" when one is held or removed.
export class RecordingBox extends EventTarget {
  // Fills `root` with the template #recording-box, whose parts get the ids `${prefix}${part}`.
  // field: in the service's errors. longest: seconds from the microphone. mostMb: of a file that is accepted.
  // script: () => a sentence to read aloud, or "". look: (samples, rate) => {samples, found, ...} what of it is used, and
  // findings. findings: (held) => those to show. unseen: async (file) => findings about one that the browser cannot decode.
  constructor(root, options) {
    super();
    Object.assign(this, { prefix: "", mostMb: MOST_MB, script: () => "", findings: (held) => held.found }, options);
    Object.assign(this, { root, held: null, recorder: null, recorded: 0, generation: 0, shownScript: "" });   // generation drops a slow look at an old file
    this.fill();
    this.listen();
  }

  fill() {
    this.root.append($("recording-box").content.cloneNode(true));
    for (const element of this.root.querySelectorAll("[data-part]")) element.id = `${this.prefix}${element.dataset.part}`;
  }

  part(name) {
    return $(`${this.prefix}${name}`);
  }

  get file() {
    return this.held?.file ?? null;
  }

  get recording() {
    return Boolean(this.recorder);
  }

  trouble(key, values) {
    return new Trouble(() => t(key, values), { field: this.field });
  }

  // ---- from the microphone

  async record() {
    hide();
    hush();
    const mine = new Recorder((block, rate) => this.heard(block, rate), () => { complain(this.trouble("mic_gone")); this.finish(); });
    this.part("record").disabled = true;
    try {
      await mine.start();
    } catch (error) {
      if (!error.say) throw error;
      return complain(this.trouble(error.code));
    } finally {
      this.part("record").disabled = false;
    }
    [this.recorder, this.recorded, this.shownScript] = [mine, 0, this.script()];
    this.drop();
    this.show();
    this.part("record-stop").focus();
  }

  heard(block, rate) {
    this.recorded += block.length / rate;
    const power = block.reduce((sum, x) => sum + x * x, 0) / block.length;
    const level = Math.round(Math.max(0, Math.min(1, (10 * Math.log10(power + 1e-10) + 60) / 55)) * 100);
    this.part("level").setAttribute("aria-valuenow", level);
    this.part("level").classList.toggle("hot", Math.max(...block.map(Math.abs)) > 0.98);
    this.part("level").firstElementChild.style.transform = `scaleX(${level / 100})`;
    this.part("clock").textContent = t("time_left", { now: clock(this.recorded), left: clock(this.longest - this.recorded) });
    if (this.recorded >= this.longest) this.finish();
  }

  async finish() {
    if (!this.recorder) return;
    const mine = this.recorder, script = this.shownScript;
    this.recorder = null;
    const { samples, rate } = await mine.stop();
    const heard = await resample(samples.length ? samples : joinSamples([new Float32Array(1)]), rate, RATE);
    await this.hold(heard, "recording.wav", { script });
    this.part("look-play").focus();
  }

  // ---- from a file

  // about: what else is known of it, as its script.
  async accept(file, about = {}) {
    hide();
    const wrong = this.refusal(file);
    if (wrong) return complain(this.trouble(wrong, { name: file.name, most: this.mostMb }));
    this.drop();
    this.show();
    const mine = this.generation;
    const buffer = await file.arrayBuffer().then((data) => decode(new Uint8Array(data), RATE)).catch(() => null);
    if (mine !== this.generation) return;
    if (buffer) return this.hold(mono(buffer), file.name, { file, ...about });
    const found = await this.unseen(file);
    if (mine === this.generation) this.keep({ ...about, file: { blob: file, name: file.name }, measured: null, found, peaks: [], seconds: 0 });
  }

  refusal(file) {
    if (!KINDS.test(file.name) && !file.type.startsWith("audio/")) return "file_kind";
    if (!file.size) return "file_empty";
    return file.size > this.mostMb * 1e6 ? "file_big" : null;
  }

  // ---- what is held

  // Hold samples at RATE; `file` is what to send where they need no change, `script` what is said in them.
  async hold(samples, name, { file = null, ...about } = {}) {
    const looked = this.look(samples, RATE), same = looked.samples === samples && file && file.size <= MOST_MB * 1e6;
    const blob = same ? file : await small(looked.samples), as = same ? name : `${name.replace(/\.\w+$/, "")}.wav`;
    this.keep({ ...looked, ...about, samples: null, file: { blob, name: as }, peaks: peaks(looked.samples, RATE), seconds: looked.samples.length / RATE });
  }

  keep(next) {
    this.drop();
    this.held = next;
    this.part("look-audio").src = URL.createObjectURL(next.file.blob);
    this.changed();
  }

  // Nothing is held from now on; what belonged to it goes too ("begin").
  drop() {
    this.generation += 1;
    const audio = this.part("look-audio");
    if (audio.src) URL.revokeObjectURL(audio.src);
    audio.removeAttribute("src");
    if (this.held) this.dispatchEvent(new Event("begin"));
    this.held = null;
  }

  changed() {
    this.dispatchEvent(new Event("change"));
    this.show();
  }

  // ---- what is shown

  show() {
    this.part("drop").hidden = this.recording;
    this.part("recording").hidden = !this.recording;
    this.part("look").hidden = !this.held;
    this.part("record").lastElementChild.textContent = t(this.held ? "record_again" : "record");
    this.part("choose").lastElementChild.textContent = t(this.held ? "choose_other" : "choose");
    this.part("script").textContent = this.shownScript;
    this.part("script-part").hidden = !this.shownScript;
    if (this.held) this.showLook();
  }

  showLook() {
    this.part("look-length").textContent = this.held.seconds ? clock(this.held.seconds) : this.held.file.name;
    this.part("findings").replaceChildren(...this.findings(this.held).map(({ level, key, values, message }) =>
      make("li", { className: level }, make("span", { className: "unseen", textContent: `${t(`mark_${level}`)}: ` }), message ? half(message) : t(key, values))));
    this.draw();
  }

  draw() {
    const { held } = this, { currentTime } = this.part("look-audio");
    if (held) drawWave(this.part("look-wave"), { peaks: held.peaks, all: held.seconds, made: held.seconds, now: currentTime });
  }

  toggle() {
    const audio = this.part("look-audio");
    if (!audio.paused) return audio.pause();
    audio.play().catch((error) => error.name !== "AbortError" && complain(new Trouble(() => t("undecodable"))));
  }

  // ---- what the visitor does

  listen() {
    const click = (part, act) => this.part(part).addEventListener("click", act);
    const audio = this.part("look-audio"), file = this.part("file");
    click("record", () => this.record());
    click("record-stop", () => this.finish());
    click("choose", () => file.click());
    click("look-play", () => this.toggle());
    click("look-drop", () => { this.drop(); this.changed(); this.part("record").focus(); });
    file.addEventListener("change", () => { if (file.files[0]) this.accept(file.files[0]); file.value = ""; });
    for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, () => setIcon(this.part("look-play"), audio.paused ? "play" : "pause"));
    audio.addEventListener("timeupdate", () => this.draw());
    for (const event of ["dragover", "dragleave", "drop"]) this.root.addEventListener(event, (moved) => this.dragged(moved));
    document.addEventListener("language", () => this.show());
    addEventListener("resize", () => this.draw());
  }

  dragged(moved) {
    moved.preventDefault();
    this.part("drop").classList.toggle("over", moved.type === "dragover");
    if (moved.type === "drop" && moved.dataTransfer.files[0] && !this.recording) this.accept(moved.dataTransfer.files[0]);
  }
}

// Samples at RATE as a WAV that the service takes.
async function small(samples) {
  const whole = wav(samples, RATE);
  return whole.size <= MOST_MB * 1e6 ? whole : wav(await resample(samples, RATE, LOW_RATE), LOW_RATE);
}

for (const event of ["dragover", "drop"]) {   // a file that misses its place would be opened instead of the page
  addEventListener(event, (moved) => moved.dataTransfer?.types.includes("Files") && moved.preventDefault());
}

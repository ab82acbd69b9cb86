// The microphone: samples as they come, no codec.
import { Trouble } from "./api.js";
import { joinSamples } from "./audio.js";
import { t } from "./i18n.js";

const REASONS = { NotAllowedError: "mic_denied", SecurityError: "mic_denied", NotFoundError: "mic_missing", OverconstrainedError: "mic_missing" };

export class Recorder {
  // onBlock(samples, rate) hears each block; onGone is called when the microphone is taken away.
  constructor(onBlock, onGone) {
    Object.assign(this, { onBlock, onGone, blocks: [], stopped: false });
  }

  // Ask for the microphone and begin. Throws Trouble that says what to do; its code is the key of the sentence.
  async start() {
    const refuse = (key) => new Trouble(() => t(key), { code: key });
    if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) throw refuse("mic_insecure");
    try {
      this.stream = await navigator.mediaDevices.getUserMedia(
        { audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true } });
    } catch (error) {
      throw refuse(REASONS[error.name] ?? "mic_busy");
    }
    this.stream.getAudioTracks()[0].addEventListener("ended", () => !this.stopped && this.onGone());
    await this.listen();
  }

  async listen() {
    this.context = new AudioContext();
    await this.context.audioWorklet.addModule(new URL("./recorder-worklet.js", import.meta.url));
    const collector = new AudioWorkletNode(this.context, "collector", { numberOfOutputs: 0 });
    collector.port.onmessage = ({ data }) => this.take(data);
    this.context.createMediaStreamSource(this.stream).connect(collector);
    await this.context.resume();
  }

  take(block) {
    if (this.stopped) return;
    this.blocks.push(block);
    this.onBlock(block, this.context.sampleRate);
  }

  // {samples, rate} of all that was recorded; the microphone is free again.
  async stop() {
    this.stopped = true;
    this.stream.getTracks().forEach((track) => track.stop());
    await this.context.close();
    return { samples: joinSamples(this.blocks), rate: this.context.sampleRate };
  }
}

// Samples: decoding, resampling, WAV, and how loud they are.
export const PEAK_SECONDS = 0.02;             // one peak of a waveform stands for this much sound

// Encoded sound -> AudioBuffer at `rate` Hz. Throws when the browser cannot decode it.
export function decode(bytes, rate = 44100) {
  return new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes.slice().buffer);
}

// AudioBuffer -> its mean channel, Float32Array
export function mono(buffer) {
  const mixed = new Float32Array(buffer.length);
  for (let c = 0; c < buffer.numberOfChannels; c += 1) {
    const channel = buffer.getChannelData(c);
    for (let i = 0; i < mixed.length; i += 1) mixed[i] += channel[i] / buffer.numberOfChannels;
  }
  return mixed;
}

export async function resample(samples, from, to) {
  if (from === to) return samples;
  const context = new OfflineAudioContext(1, Math.max(1, Math.round(samples.length * to / from)), to);
  const buffer = context.createBuffer(1, samples.length, from);
  buffer.copyToChannel(samples, 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  source.start();
  return (await context.startRendering()).getChannelData(0);
}

// Float32Array in [-1, 1] -> 16-bit mono WAV
export function wav(samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const word = (at, text) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  word(0, "RIFF"); view.setUint32(4, 36 + 2 * samples.length, true); word(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);      // PCM, one channel
  view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  word(36, "data"); view.setUint32(40, 2 * samples.length, true);
  samples.forEach((x, i) => view.setInt16(44 + 2 * i, Math.round(Math.max(-1, Math.min(1, x)) * 32767), true));
  return new Blob([view], { type: "audio/wav" });
}

export function joinSamples(blocks) {
  const whole = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}

// The largest |sample| of each PEAK_SECONDS
export function peaks(samples, rate) {
  const step = rate * PEAK_SECONDS;
  const found = new Array(Math.ceil(samples.length / step)).fill(0);
  samples.forEach((x, i) => {
    const at = Math.floor(i / step);
    found[at] = Math.max(found[at], Math.abs(x));
  });
  return found;
}

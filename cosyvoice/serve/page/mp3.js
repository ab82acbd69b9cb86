// MP3 as a row of frames. Source: ISO 11172-3 and 13818-3, section 2.4.2.3 (the frame header).
const BITRATES = {                            // kbit/s by index, layer III
  1: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};
const RATES = { 3: [44100, 48000, 32000], 2: [22050, 24000, 16000], 0: [11025, 12000, 8000] };   // Hz by version bits

// {bytes, samples, rate} of the frame that starts at `at`, or null when none does.
export function frameAt(data, at) {
  if (data[at] !== 0xff || (data[at + 1] & 0xe6) !== 0xe2) return null;          // sync, layer III
  const version = (data[at + 1] >> 3) & 3;
  const first = version === 3;                                                   // MPEG-1; the others have half the samples
  const kbits = BITRATES[first ? 1 : 2][data[at + 2] >> 4];
  const rate = RATES[version]?.[(data[at + 2] >> 2) & 3];
  if (!kbits || !rate) return null;
  const samples = first ? 1152 : 576;
  const padding = (data[at + 2] >> 1) & 1;
  return { bytes: Math.floor((samples / 8) * kbits * 1000 / rate) + padding, samples, rate };
}

export function join(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

// Cuts arriving bytes into whole frames and leaves out the first `skip` of them.
export class FrameSplitter {
  constructor(skip = 0) {
    this.skip = skip;
    this.rest = new Uint8Array(0);
  }

  // bytes -> [{data, seconds, rate}] of the frames completed by them
  push(bytes) {
    const data = join([this.rest, bytes]);
    const frames = [];
    let at = 0;
    while (at + 4 <= data.length) {
      const frame = frameAt(data, at);
      if (!frame) { at += 1; continue; }
      if (at + frame.bytes > data.length) break;
      if (this.skip > 0) this.skip -= 1;
      else frames.push({ data: data.subarray(at, at + frame.bytes), seconds: frame.samples / frame.rate, rate: frame.rate });
      at += frame.bytes;
    }
    this.rest = data.slice(at);
    return frames;
  }
}

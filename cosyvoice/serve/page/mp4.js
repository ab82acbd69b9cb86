// MP3 frames as fragments of MP4, for browsers (Firefox) whose MediaSource takes MP3 only in that wrapping.
// Source: ISO 14496-12 (the boxes, by their names); the sample entry ".mp3" is QuickTime's.
import { FrameSplitter, join } from "./mp3.js";

export const MP4_MP3 = 'audio/mp4; codecs="mp3"';

const u16 = (...values) => new Uint8Array(values.flatMap((v) => [(v >> 8) & 255, v & 255]));
const u32 = (...values) => new Uint8Array(values.flatMap((v) => [v >>> 24, (v >> 16) & 255, (v >> 8) & 255, v & 255]));
const zeros = (bytes) => new Uint8Array(bytes);
const text = (letters) => Uint8Array.from(letters, (letter) => letter.charCodeAt(0));

function box(name, ...content) {
  const body = join(content);
  return join([u32(body.length + 8), text(name), body]);
}

const MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

function head(rate, samples) {
  const entry = box(".mp3", zeros(6), u16(1), zeros(8), u16(1, 16), zeros(4), u16(rate, 0));          // one channel of 16 bits
  const table = box("stbl", box("stsd", u32(0, 1), entry), box("stts", u32(0, 0)), box("stsc", u32(0, 0)), box("stsz", u32(0, 0, 0)), box("stco", u32(0, 0)));
  const data = box("dinf", box("dref", u32(0, 1), box("url ", u32(1))));
  const media = box("mdia", box("mdhd", u32(0, 0, 0, rate, 0), u16(0x55c4, 0)), box("hdlr", u32(0, 0), text("soun"), zeros(13)),
    box("minf", box("smhd", zeros(8)), data, table));
  const track = box("trak", box("tkhd", u32(7, 0, 0, 1, 0, 0), zeros(8), u16(0, 0, 0x100, 0), MATRIX, zeros(8)), media);
  const movie = box("mvhd", u32(0, 0, 0, rate, 0, 0x10000), u16(0x100), zeros(10), MATRIX, zeros(24), u32(2));
  return join([box("ftyp", text("iso5"), u32(0), text("iso5mp41")), box("moov", movie, track, box("mvex", box("trex", u32(0, 1, 1, samples, 0, 0))))]);
}

function fragment(number, time, frames) {
  const build = (offset) => box("moof", box("mfhd", u32(0, number)),
    box("traf", box("tfhd", u32(0x20000, 1)), box("tfdt", u32(0x1000000, Math.floor(time / 2 ** 32), time % 2 ** 32)),
      box("trun", u32(0x201, frames.length, offset, ...frames.map(({ data }) => data.length)))));
  const size = build(0).length;
  return join([build(size + 8), box("mdat", ...frames.map(({ data }) => data))]);
}

// wrap(bytes of whole MP3 frames) -> bytes of MP4; the first ones begin with its header.
export class Mp4Wrapper {
  constructor() {
    Object.assign(this, { number: 0, time: 0 });
  }

  wrap(bytes) {
    const frames = new FrameSplitter().push(bytes);
    const { rate, seconds } = frames[0], samples = Math.round(rate * seconds);
    const parts = this.number ? [] : [head(rate, samples)];
    this.number += 1;
    parts.push(fragment(this.number, this.time, frames));
    this.time += samples * frames.length;
    return join(parts);
  }
}

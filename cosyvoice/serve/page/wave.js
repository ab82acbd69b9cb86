// Drawing waveforms. Colours are the style sheet's.
import { PEAK_SECONDS } from "./audio.js";

const BAR = 3, GAP = 2;                       // CSS pixels

function prepare(canvas) {
  const scale = window.devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  const style = getComputedStyle(canvas);
  return { pen, width, height, colour: (name) => style.getPropertyValue(`--${name}`).trim() };
}

function bar(pen, x, middle, half) {
  pen.beginPath();
  pen.roundRect?.(x, middle - half, BAR, 2 * half, BAR / 2);
  if (!pen.roundRect) pen.rect(x, middle - half, BAR, 2 * half);
  pen.fill();
}

// peaks of `all` seconds, of which `made` are there; `now` is where it plays, `sentences` have start and end, `lit` is one of them.
export function drawWave(canvas, { peaks, all, made, now = 0, sentences = [], lit = null }) {
  const { pen, width, height, colour } = prepare(canvas);
  if (!width || !all) return;
  const x = (seconds) => (seconds / all) * width;
  const loudest = Math.max(0.05, ...samplesOf(peaks, 400));
  if (lit) {
    pen.fillStyle = colour("tint");
    pen.beginPath();
    pen.roundRect?.(x(lit.start), 0, Math.max(4, x(lit.end) - x(lit.start)), height, 6);
    pen.fill();
  }
  for (let left = 0; left + BAR <= width; left += BAR + GAP) {
    const from = (left / width) * all, to = ((left + BAR + GAP) / width) * all;
    const there = from < made && peaks.length * PEAK_SECONDS > from;
    pen.fillStyle = colour(!there ? "line" : to <= now ? "accent" : lit && from >= lit.start && from < lit.end ? "accent-soft" : "wave");
    bar(pen, left, height / 2, there ? Math.max(1.5, (largest(peaks, from, to) / loudest) * (height / 2 - 3)) : 1.5);
  }
  pen.fillStyle = colour("muted");
  for (const { start } of sentences.slice(1)) pen.fillRect(Math.round(x(start)) - 1, 0, 1, 7);
}

function largest(peaks, from, to) {
  let most = 0;
  for (let i = Math.floor(from / PEAK_SECONDS); i < to / PEAK_SECONDS && i < peaks.length; i += 1) most = Math.max(most, peaks[i]);
  return most;
}

// At most `count` of the peaks: spreading a long array over Math.max would overflow the stack.
function samplesOf(peaks, count) {
  const step = Math.max(1, Math.floor(peaks.length / count));
  return peaks.filter((_, i) => i % step === 0);
}

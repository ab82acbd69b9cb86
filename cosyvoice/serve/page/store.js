// What the browser remembers: settings for good, the key for this tab. Without storage (blocked by the
// visitor) the same things last as long as the page.
const fallback = new Map();

function use(area, name, value) {
  try {
    const storage = window[area];
    if (value === undefined) return storage.getItem(name);
    return value === null ? storage.removeItem(name) : storage.setItem(name, value);
  } catch {
    return value === undefined ? fallback.get(name) ?? null : void fallback.set(name, value);
  }
}

export const recall = (name) => use("localStorage", `cosyvoice_${name}`);
export const remember = (name, value) => use("localStorage", `cosyvoice_${name}`, value);
export const key = () => use("sessionStorage", "cosyvoice_key");
export const rememberKey = (value) => use("sessionStorage", "cosyvoice_key", value);

// `length` random lower-case letters and digits.
export function randomId(length) {
  const alphabet = "abcdefghijklmnopqrstuvwxyz012345";                 // 32 letters: a byte has no favourite
  return Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => alphabet[byte % 32]).join("");
}

// The visitor's id, to which saved voices belong: drawn once, kept in this browser.
export function userId() {
  if (!recall("user")) remember("user", `web-${randomId(12)}`);
  return recall("user");
}

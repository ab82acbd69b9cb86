// Calls to the service: the key goes with each one in a header, never in an address, and every failure becomes a
// Trouble that can say itself in the page's language.
import { half, t } from "./i18n.js";
import { key, rememberKey } from "./store.js";

export class Trouble extends Error {
  constructor(say, { status = 0, code = "", field = null, retryAfter = 0 } = {}) {
    super(say());
    Object.assign(this, { say, status, code, field, retryAfter });
  }
}

let askForKey = async () => null;             // set by main.js: (wasWrong) -> the key, or null when the visitor gives up
let asking = null;                            // one question, however many calls wait for its answer

export function onKeyWanted(ask) {
  askForKey = ask;
}

// fetch(), with the key. Returns an answer that is ok. Throws Trouble, or AbortError when `signal` fires.
export async function call(path, options = {}) {
  for (;;) {
    const used = key();
    const response = await reach(path, options, used);
    if (response.status === 401) await newKey(used);
    else if (response.ok) return response;
    else throw await trouble(response, options.headers);
  }
}

async function reach(path, options, used) {
  const headers = { ...options.headers, ...(used && { Authorization: `Bearer ${used}` }) };
  try {
    return await fetch(path, { cache: "no-store", ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble(() => t("unreachable"), { code: "unreachable" });
  }
}

async function newKey(refused) {
  if (key() !== refused) return;              // another call has asked meanwhile
  asking ??= askForKey(Boolean(refused)).finally(() => { asking = null; });
  const answer = await asking;
  if (!answer) throw new Trouble(() => t("no_key"), { status: 401, code: "no_key" });
  rememberKey(answer);
}

async function trouble(response, sent = {}) {
  const about = { status: response.status, retryAfter: Number(response.headers.get("Retry-After")) || 0 };
  const body = await response.json().catch(() => null);       // a proxy's error page is not JSON
  if (typeof body?.error === "string") return new Trouble(() => half(body.error), { ...about, code: body.code, field: body.field });
  const id = response.headers.get("X-Request-ID") ?? sent["X-Request-ID"] ?? "-";
  return new Trouble(() => t("strange", { status: response.status, id }), about);
}

// The answer of an endpoint that this service may not have: null then.
export async function ask(path, options) {
  try {
    return await call(path, options);
  } catch (error) {
    if (error.status === 405 || (error.status === 404 && ["no_such_path", ""].includes(error.code))) return null;
    throw error;
  }
}

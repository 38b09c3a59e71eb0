// The three services, called with the developer's token or the platform's key. Every failure is a Failure with a sentence.

import { SignedOut, token } from "./session.js";

const config = document.querySelector('meta[name="dream-api"]').dataset;
const NAMES = { platform: "The dream-api server", bridge: "The connections service", tenant: "The metering service" };
const BASES = { platform: "", bridge: config.bridge, tenant: config.tenant };
const TIMEOUT_MS = 20_000;
const NEW_KEY_MS = 2200; // within two seconds the metering service knows a new key

export const tenantUrl = config.tenant;
export const plans = { free: Number(config.free), paid: Number(config.paid), price: config.price };

export class Failure extends Error {
  constructor(status, body) {
    super(body.message ?? "The server answered something that can't be read. Try again.");
    this.status = status;
    this.code = body.error ?? "unreadable";
    this.requestId = body.requestId ?? null;
    this.facts = body;
  }

  /** What is wrong with a field, by the path the server names it with. */
  get fields() {
    return new Map((this.facts.errors ?? []).map(({ field, message }) => [field, message]));
  }
}

/** No key to call the metering service with: there never was one, or it is revoked. */
export class NoKey extends Failure {
  constructor(revoked) {
    super(404, {
      error: revoked ? "revoked" : "no_credentials",
      message: revoked ? "Your key is revoked. Create a new one to see this." : "Create your API key to see this.",
    });
  }
}

async function send(service, method, path, { bearer, body, signal, withCookie = false }) {
  const stop = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])]);
  const headers = { Authorization: `Bearer ${bearer}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(BASES[service] + path, {
      method,
      headers,
      signal: stop,
      cache: "no-store",
      credentials: withCookie ? "include" : "omit",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    const late = error.name === "TimeoutError";
    const reason = late ? "did not answer in time" : "can't be reached";
    throw new Failure(0, {
      error: "unreachable",
      message: `${NAMES[service]} ${reason}. Check your connection and try again.`,
    });
  }
  const text = await answer.text();
  let read = {};
  try {
    read = JSON.parse(text);
  } catch {
    // a proxy's page, perhaps: Failure says that it can't be read
    if (answer.ok) throw new Failure(answer.status, {});
  }
  if (!answer.ok) throw new Failure(answer.status, { requestId: answer.headers.get("X-Request-Id"), ...read });
  return read;
}

/** Call a service as the developer. A token that was refused is renewed once; then the session has ended. */
async function asDeveloper(service, method, path, options = {}) {
  try {
    return await send(service, method, path, { ...options, bearer: await token() });
  } catch (error) {
    if (error.status !== 401) throw error;
  }
  try {
    return await send(service, method, path, { ...options, bearer: await token({ fresh: true }) });
  } catch (error) {
    throw error.status === 401 ? new SignedOut() : error;
  }
}

export const platform = (method, path, options) => asDeveloper("platform", method, path, options);
export const bridge = (method, path, options) => asDeveloper("bridge", method, path, options);

let known = null;
let changedAt = 0;

/** The developer's credentials as they are; null when there never were any. */
export async function credentials({ fresh = false, signal } = {}) {
  if (known && !fresh) return known;
  const found = await platform("GET", "/get-credentials?orNone=true", { signal });
  known = found.platformId === null ? null : found;
  return known;
}

/** Create, rotate or revoke; answers the credentials as they are afterwards. */
export async function changeCredentials(how, body = {}) {
  await platform("POST", `/${how}-credentials`, { body });
  changedAt = Date.now();
  return credentials({ fresh: true });
}

export function forget() {
  known = null;
}

/** Call the metering service with the platform's key, which may have been rotated in another window. */
export async function tenant(method, path, { signal, body } = {}) {
  for (const fresh of [false, true]) {
    const found = await credentials({ signal, fresh });
    if (!found?.apiKey) throw new NoKey(found !== null);
    await pause(changedAt + NEW_KEY_MS - Date.now());
    try {
      return await send("tenant", method, path, { signal, body, bearer: found.apiKey });
    } catch (error) {
      if (error.status !== 401 || fresh) throw error;
      changedAt = Date.now();
    }
  }
  throw new NoKey(true);
}

const pause = (milliseconds) => new Promise((resume) => setTimeout(resume, Math.max(0, milliseconds)));

/** A query string of what is set. */
export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

// Calls of our own API. A refusal carries the sentence that the API has for people, and the request's id.

export class Refusal extends Error {
  constructor(status, body) {
    super(body.message || "The service could not be reached. Check your connection and try again.");
    this.status = status;
    this.reason = body.reason || body.error || "unreachable";
    this.requestId = body.requestId || null;
  }
}

export async function call(path, { token = null, body = undefined } = {}) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit",
    });
  } catch {
    throw new Refusal(0, {});
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, told);
  return told;
}

// The session of this page. The token stays in this module's memory: it is in no cookie and in no storage, so no other page and no later
// visitor of this browser can use it, and no request carries it by itself.

const API = new URL("../v1/", import.meta.url);
const TIMEOUT = 15000; // milliseconds

let token = "";

/** A call that was refused, or that had no answer (status 0). */
export class CallError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Log in. Throws CallError. */
export async function login(username, password) {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  const authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
  const answer = await call("POST", "users/login", { authorization });
  token = answer.users[0].token;
}

/** End the session here and on every webapp. The request outlives the page. */
export function logout() {
  if (!token) return;
  const headers = { Authorization: `Bearer ${token}` };
  token = "";
  fetch(new URL("users/logout", API), { method: "POST", headers, keepalive: true, credentials: "omit" }).catch(() => {});
}

/** Return the state of the cluster. Throws CallError. signal: aborts the call. */
export async function readState(signal) {
  const answer = await call("GET", "console", { authorization: `Bearer ${token}`, signal });
  return answer.console;
}

async function call(method, path, { authorization, signal }) {
  const limits = [AbortSignal.timeout(TIMEOUT), ...(signal ? [signal] : [])];
  let response;
  let content;
  try {
    response = await fetch(new URL(path, API), {
      method,
      headers: { Authorization: authorization },
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.any(limits),
    });
    content = await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new CallError(response?.status ?? 0, 0, "This webapp does not answer.");
  }
  if (response.ok) return content;
  const problem = content.errors?.[0] ?? {};
  throw new CallError(response.status, problem.code ?? 0, problem.details || problem.title || `HTTP ${response.status}`);
}

import type { Batch } from "../gen/Batch";
import { CallRefused, isApiError, type CallName, type Host, type LinkState, type Params, type Reply } from "./host";

/** First pause before a lost line is tried again; doubles up to the longest, so that a stopped daemon is not hammered. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

/** The name of the batches' subprotocol. */
const PROTOCOL = "ropeway";

/** A browser tab's way to the daemon: `POST /rpc` for calls, one WebSocket for batches. */
export function httpHost(token: string, base: URL = new URL(location.href)): Host {
  return {
    call: (name, params) => call(new URL("/rpc", base), token, name, params),
    subscribe: (onBatch, onLink) => new EventLine(base, token, onBatch, onLink).start(),
    // A browser never tells the paths of dropped files.
    onNativeDrop: () => () => undefined,
  };
}

async function call<K extends CallName>(url: URL, token: string, name: K, params: Params<K>): Promise<Reply<K>> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ call: name, params }),
    });
  } catch {
    throw unreachable("The engine does not answer.");
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body as Reply<K>;
  if (isApiError(body)) throw new CallRefused(body);
  throw unreachable(`The engine answered with status ${response.status}.`);
}

function unreachable(message: string): CallRefused {
  return new CallRefused({ code: "SHUTTING_DOWN", message, hint: "Check that the daemon is running, then try again." });
}

/** The WebSocket, opened again with a growing pause whenever it breaks. */
class EventLine {
  private socket: WebSocket | null = null;
  private pause = FIRST_PAUSE_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isOver = false;

  constructor(
    private readonly base: URL,
    private readonly token: string,
    private readonly onBatch: (batch: Batch) => void,
    private readonly onLink: (link: LinkState) => void,
  ) {}

  start(): () => void {
    this.onLink("connecting");
    void this.open();
    return () => {
      this.isOver = true;
      clearTimeout(this.timer);
      this.socket?.close();
    };
  }

  private async open(): Promise<void> {
    // A refused WebSocket looks like a broken one; a call tells a wrong token from a stopped daemon.
    const known = await this.isKnown();
    if (this.isOver) return;
    if (known === "refused") return this.onLink("refused");
    if (known === "unreachable") return this.retry();
    const url = new URL("/events", this.base);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    // As a subprotocol and not in the address, which ends up in logs.
    const socket = new WebSocket(url, [PROTOCOL, `token.${this.token}`]);
    this.socket = socket;
    socket.onopen = () => {
      this.pause = FIRST_PAUSE_MS;
      this.onLink("open");
    };
    socket.onmessage = (message) => this.onBatch(JSON.parse(String(message.data)) as Batch);
    socket.onclose = () => this.retry();
  }

  private async isKnown(): Promise<"known" | "refused" | "unreachable"> {
    try {
      const response = await fetch(new URL("/rpc", this.base), {
        method: "POST",
        headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
        body: JSON.stringify({ call: "job_pause", params: { ids: [] } }),
      });
      return response.status === 401 || response.status === 403 ? "refused" : "known";
    } catch {
      return "unreachable";
    }
  }

  private retry(): void {
    if (this.isOver) return;
    this.onLink("lost");
    this.timer = setTimeout(() => void this.open(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
  }
}

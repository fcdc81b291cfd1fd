import type { Batch } from "../gen/Batch";
import { CallRefused, isApiError, type CallName, type Host, type LinkState, type Params, type Reply } from "./host";

/** First pause before a lost line is tried again; doubles up to the longest, so that a stopped daemon is not hammered. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

/** The name of the batches' subprotocol. */
const PROTOCOL = "ropeway";

/** A browser tab's way to the daemon: `POST /rpc` for calls, one WebSocket for batches. */
export function httpHost(token: string, base: URL = new URL(location.href)): Host {
  const server = new Server(base, token);
  return {
    call: (name, params) => server.call(name, params),
    subscribe: (onBatch, onLink) => new EventLine(server, onBatch, onLink).start(),
    // A browser never tells the paths of dropped files.
    onNativeDrop: () => () => undefined,
    saveFile: (id) => saveFile(server, id),
  };
}

/** The daemon behind the page's address, shown the token once it has proved that it is the daemon. */
class Server {
  /** Whether what listens at the address has proved to know the token since it was last lost. */
  private isProved = false;

  constructor(
    readonly base: URL,
    readonly token: string,
  ) {}

  async call<K extends CallName>(name: K, params: Params<K>): Promise<Reply<K>> {
    const body = JSON.stringify({ call: name, params });
    return (await this.post("/rpc", body)) as Reply<K>;
  }

  /** A request with the token; rejects with a {@link CallRefused}. */
  async post(path: string, body = ""): Promise<unknown> {
    const response = await this.ask(path, body).catch(() => null);
    if (response === null) throw unreachable("The engine does not answer.");
    const reply: unknown = await response.json().catch(() => null);
    if (response.ok) return reply;
    if (isApiError(reply)) throw new CallRefused(reply);
    throw unreachable(`The engine answered with status ${response.status}.`);
  }

  /** Whether the engine is there and knows this window. */
  async knows(): Promise<"known" | "refused" | "unreachable"> {
    try {
      const { status } = await this.ask("/rpc", JSON.stringify({ call: "job_pause", params: { ids: [] } }));
      return status === 401 || status === 403 ? "refused" : "known";
    } catch (thrown) {
      return thrown instanceof Impostor ? "refused" : "unreachable";
    }
  }

  /** Asks for the proof anew before the next call: another program may listen there now. */
  doubt(): void {
    this.isProved = false;
  }

  private async ask(path: string, body: string): Promise<Response> {
    if (!this.isProved) await this.prove();
    try {
      return await fetch(new URL(path, this.base), {
        method: "POST",
        headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
        body,
      });
    } catch (thrown) {
      this.doubt();
      throw thrown;
    }
  }

  /**
   * Asks for what only the daemon with this token can say. While no daemon runs any program of this machine may listen
   * at its port, and would be shown the token by the first call.
   */
  private async prove(): Promise<void> {
    // Browsers digest only where no one listens in between: elsewhere the token travels unencrypted anyway.
    const digest = globalThis.crypto?.subtle as SubtleCrypto | undefined;
    if (digest !== undefined) {
      const nonce = hex(crypto.getRandomValues(new Uint8Array(16)));
      const response = await fetch(new URL(`/proof/${nonce}`, this.base));
      const { proof } = (await response.json().catch(() => ({}))) as { proof?: unknown };
      const port = this.base.port || (this.base.protocol === "https:" ? "443" : "80");
      const expected = await digest.digest("SHA-256", new TextEncoder().encode(`${this.token}:${port}:${nonce}`));
      if (proof !== hex(new Uint8Array(expected))) throw new Impostor();
    }
    this.isProved = true;
  }
}

/** What listens at the address does not know the token. */
class Impostor extends Error {}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function unreachable(message: string): CallRefused {
  return new CallRefused({ code: "SHUTTING_DOWN", message, hint: "Check that the daemon is running, then try again." });
}

/** Saves a finished file through the browser, by a link that works once and tells nothing. */
async function saveFile(server: Server, id: number): Promise<void> {
  const { ticket } = (await server.post(`/files/${id}`)) as { ticket: string };
  const link = document.createElement("a");
  link.href = new URL(`/files/${ticket}`, server.base).href;
  link.download = "";
  link.click();
}

/** The WebSocket, opened again with a growing pause whenever it breaks. */
class EventLine {
  private socket: WebSocket | null = null;
  private pause = FIRST_PAUSE_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isOver = false;

  constructor(
    private readonly server: Server,
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
    const known = await this.server.knows();
    if (this.isOver) return;
    if (known === "refused") return this.onLink("refused");
    if (known === "unreachable") return this.retry();
    const url = new URL("/events", this.server.base);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    // As a subprotocol and not in the address, which ends up in logs.
    const socket = new WebSocket(url, [PROTOCOL, `token.${this.server.token}`]);
    this.socket = socket;
    socket.onopen = () => {
      this.pause = FIRST_PAUSE_MS;
      this.onLink("open");
    };
    socket.onmessage = (message) => this.onBatch(JSON.parse(String(message.data)) as Batch);
    socket.onclose = () => this.retry();
  }

  private retry(): void {
    if (this.isOver) return;
    this.server.doubt();
    this.onLink("lost");
    this.timer = setTimeout(() => void this.open(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
  }
}

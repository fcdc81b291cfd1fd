import type { ApiError } from "../gen/ApiError";
import type { Batch } from "../gen/Batch";
import type { Calls } from "../gen/Calls";

export type CallName = keyof Calls;
export type Params<K extends CallName> = Calls[K]["params"];
export type Reply<K extends CallName> = Calls[K]["reply"];

/** How the line to the engine is: `refused` means that the engine does not know this window (no or a wrong token). */
export type LinkState = "connecting" | "open" | "lost" | "refused";

/** Files held or dropped over the window, told by the desktop with their absolute paths; places in CSS pixels. */
export type NativeDrop =
  | { readonly kind: "enter"; readonly paths: readonly string[]; readonly x: number; readonly y: number }
  | { readonly kind: "over"; readonly x: number; readonly y: number }
  | { readonly kind: "drop"; readonly paths: readonly string[]; readonly x: number; readonly y: number }
  | { readonly kind: "leave" };

/** What the desktop's tray says; `{limit}` in `now` is where the limit in force comes. */
export interface TrayWords {
  readonly show: string;
  readonly add: string;
  readonly pause_all: string;
  readonly resume_all: string;
  readonly limit: string;
  readonly now: string;
  readonly no_limit: string;
  readonly idle: string;
  readonly quit: string;
}

/**
 * What the desktop's notifications say. `{what}` and `{name}` in `titled`, `{host}` in `from`, `to` and what is explained
 * are where the shell puts these.
 */
export interface NoticeWords {
  readonly titled: string;
  readonly downloaded: string;
  readonly uploaded: string;
  readonly failed: string;
  readonly link_expired: string;
  readonly no_room: string;
  readonly name_taken: string;
  readonly from: string;
  readonly to: string;
  readonly all_completed: string;
  readonly all_failed: string;
  readonly all_held_up: string;
  readonly show: string;
  readonly reveal: string;
  readonly retry: string;
  readonly try_now: string;
  readonly keep_both: string;
  readonly still_running: string;
  readonly still_running_more: string;
  readonly clipboard_empty: string;
  readonly clipboard_empty_more: string;
  /** By the code of the failure; `null` leaves the hint to the engine. */
  readonly explained: Readonly<Record<string, { readonly what: string; readonly hint: string | null }>>;
}

/** What the desktop says outside the window. */
export interface DesktopWords {
  readonly tray: TrayWords;
  readonly notices: NoticeWords;
}

/** The one way to the engine; three programs implement it. */
export interface Host {
  /** Carries out a call; rejects with a {@link CallRefused}. */
  call<K extends CallName>(name: K, params: Params<K>): Promise<Reply<K>>;
  /**
   * Delivers every batch from now on, in order, until the returned function is called. Each time the link becomes
   * `open`, batches may have been missed: take a snapshot.
   */
  subscribe(onBatch: (batch: Batch) => void, onLink: (link: LinkState) => void): () => void;
  /** Tells of files dragged over the window where the desktop knows their paths; elsewhere never calls. */
  onNativeDrop(listener: (drop: NativeDrop) => void): () => void;
  /** Saves a finished download on the machine this page is on; absent where that is the engine's own. */
  saveFile?(id: number): Promise<void>;
  /** Tells the desktop what to say outside the window; absent where there is none. */
  tellWords?(words: DesktopWords): void;
}

/** A refused call, with its sentence and the next step. */
export class CallRefused extends Error {
  constructor(readonly refusal: ApiError) {
    super(refusal.message);
    this.name = "CallRefused";
  }
}

/** Whatever a transport threw, as a refusal. */
export function asRefusal(thrown: unknown): ApiError {
  if (thrown instanceof CallRefused) return thrown.refusal;
  if (isApiError(thrown)) return thrown;
  return {
    code: "SHUTTING_DOWN",
    message: thrown instanceof Error ? thrown.message : String(thrown),
    hint: "",
  };
}

export function isApiError(value: unknown): value is ApiError {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as ApiError).code === "string" &&
    typeof (value as ApiError).message === "string"
  );
}

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
  /** Names the entries of the tray; absent where there is none. */
  nameTray?(words: TrayWords): void;
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

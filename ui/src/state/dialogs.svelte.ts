import type { FoundJob } from "../gen/FoundJob";
import type { Refusal } from "../gen/Refusal";

export type AddMode = "downloads" | "uploads";

/** What the add dialog starts with. */
export interface AddStart {
  readonly mode: AddMode;
  readonly text: string;
  readonly paths: readonly string[];
  readonly targetId: number | null;
  readonly refused: readonly Refusal[];
  /** Which of the lines are on the list already, where that was asked for. */
  readonly found: readonly FoundJob[];
  /** A sentence above the form, such as why it is open. */
  readonly note: string;
}

/** A question before something is lost. */
export interface RemovalQuestion {
  readonly kind: "remove" | "cancel";
  readonly ids: readonly number[];
  /** Of these, how many are not at their end. */
  readonly unfinished: number;
  /** And how many have a downloaded file. */
  readonly withFile: number;
  readonly deletesFiles: boolean;
}

export type SettingsSection = "general" | "transfers" | "schedule" | "servers" | "targets";

/** Most offers of other programs that wait for their turn. */
const MOST_WAITING = 50;

/** Which dialog is open; at most one of each. */
export class Dialogs {
  add = $state.raw<AddStart | null>(null);
  removal = $state.raw<RemovalQuestion | null>(null);
  settings = $state.raw<SettingsSection | null>(null);
  /** The number of the job that gets another link. */
  renewal = $state<number | null>(null);
  /** The number of the job whose checksum is put right. */
  checksum = $state<number | null>(null);
  /** The jobs that get a time to start at. */
  start = $state.raw<readonly number[] | null>(null);

  /** Modal windows on the page now: messages are shown in the topmost, as everything below is out of reach. */
  modals = $state(0);

  /** What other programs handed over while a dialog was open. */
  private waiting: Partial<AddStart>[] = [];

  get isAnyOpen(): boolean {
    return [this.add, this.removal, this.settings, this.renewal, this.checksum, this.start].some((open) => open !== null);
  }

  openAdd(start: Partial<AddStart> = {}): void {
    this.add = { mode: "downloads", text: "", paths: [], targetId: null, refused: [], found: [], note: "", ...start };
  }

  /** Opens the dialog with what another program handed over, once the user is done with the one that is open. */
  offerAdd(start: Partial<AddStart>): void {
    if (this.add === null) this.openAdd(start);
    else if (this.waiting.length < MOST_WAITING) this.waiting.push(start);
  }

  closeAdd(): void {
    this.add = null;
    const next = this.waiting.shift();
    if (next !== undefined) this.openAdd(next);
  }
}

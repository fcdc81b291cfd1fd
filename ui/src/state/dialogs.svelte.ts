import type { Refusal } from "../gen/Refusal";

export type AddMode = "downloads" | "uploads";

/** What the add dialog starts with. */
export interface AddStart {
  readonly mode: AddMode;
  readonly text: string;
  readonly paths: readonly string[];
  readonly targetId: number | null;
  readonly refused: readonly Refusal[];
  /** A sentence above the form, such as why it is open. */
  readonly note: string;
}

/** A question before something is lost. */
export interface RemovalQuestion {
  readonly kind: "remove" | "give_up";
  readonly ids: readonly number[];
  /** Of these, how many are not at their end. */
  readonly unfinished: number;
  /** And how many have a downloaded file. */
  readonly withFile: number;
  readonly deletesFiles: boolean;
}

export type SettingsSection = "general" | "transfers" | "schedule" | "servers" | "targets";

/** Which dialog is open; at most one of each. */
export class Dialogs {
  add = $state.raw<AddStart | null>(null);
  removal = $state.raw<RemovalQuestion | null>(null);
  settings = $state.raw<SettingsSection | null>(null);
  /** The number of the job that gets another link. */
  renewal = $state<number | null>(null);
  /** The jobs that get a time to start at. */
  start = $state.raw<readonly number[] | null>(null);

  get isAnyOpen(): boolean {
    return [this.add, this.removal, this.settings, this.renewal, this.start].some((open) => open !== null);
  }

  openAdd(start: Partial<AddStart> = {}): void {
    this.add = { mode: "downloads", text: "", paths: [], targetId: null, refused: [], note: "", ...start };
  }
}

import { asRefusal } from "../host/host";
import { explainRefusal } from "../texts/explain";
import { t } from "../texts/texts.svelte";
import { UNDO_MS } from "./undo";

/** A short message at the window's foot. A refusal stays until it is closed; a confirmation goes by itself. */
export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly hint: string;
  readonly isRefusal: boolean;
  /** Whether it tells of a mistake of this window's own. */
  readonly isDefect?: boolean;
  /** Whether it tells that the engine is not there, which is news only until it is. */
  readonly isAbsence?: boolean;
  /** Whether others do not take its place: its button can only be pressed now. */
  readonly isKept?: boolean;
  /** A button that does what is suggested. */
  readonly action?: NoticeAction;
}

export interface NoticeAction {
  readonly label: string;
  readonly choose: () => void;
}

const SHOWN_MS = 4_000;
/** A button takes longer to be read and reached. */
const SUGGESTED_MS = 10_000;
/** More would cover the list; the oldest goes. */
const MOST_NOTICES = 3;

export class Notices {
  list = $state.raw<readonly Notice[]>([]);
  private last = 0;

  /** Says that something was done. The newest is enough: the list itself shows what came before. */
  confirm(text: string): void {
    this.giveWay();
    const id = this.add({ text, hint: "", isRefusal: false });
    setTimeout(() => this.close(id), SHOWN_MS);
  }

  /** Says why something cannot be done so, with a button for how it can. */
  suggest(text: string, action: NoticeAction): void {
    this.giveWay();
    const id = this.add({ text, hint: "", isRefusal: false, action });
    setTimeout(() => this.close(id), SUGGESTED_MS);
  }

  /** Says what was done, with a button that takes it back. */
  offerUndo(text: string, action: NoticeAction): void {
    this.giveWay();
    const id = this.add({ text, hint: "", isRefusal: false, isKept: true, action });
    setTimeout(() => this.close(id), UNDO_MS);
  }

  private giveWay(): void {
    this.list = this.list.filter(({ isRefusal, isKept }) => isRefusal || isKept);
  }

  /** Shows why a call was refused. */
  refuse(thrown: unknown): void {
    const refusal = asRefusal(thrown);
    const { what, hint } = explainRefusal(refusal, t());
    this.add({ text: what, hint, isRefusal: true, isAbsence: refusal.code === "SHUTTING_DOWN" });
  }

  /** Tells of a mistake of this window's own; the way out is to load it again. */
  defect(thrown: unknown): void {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    // The same mistake each second is told once.
    if (this.list.some(({ hint }) => hint === reason)) return;
    const action = { label: t().notice.reload, choose: () => location.reload() };
    this.add({ text: t().notice.defect, hint: reason, isRefusal: true, isDefect: true, action });
  }

  warn(text: string, hint: string): void {
    this.add({ text, hint, isRefusal: true });
  }

  /** Takes back that the engine does not answer, once it does. */
  engineIsBack(): void {
    this.list = this.list.filter(({ isAbsence }) => isAbsence !== true);
  }

  close(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  private add(notice: Omit<Notice, "id">): number {
    this.last += 1;
    this.list = [...this.list, { ...notice, id: this.last }].slice(-MOST_NOTICES);
    return this.last;
  }
}

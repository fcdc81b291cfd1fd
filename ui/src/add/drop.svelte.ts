import type { NativeDrop } from "../host/host";
import type { Application } from "../state/application";
import { t } from "../texts/texts.svelte";
import { addDownloads, uploadTo } from "./commands";

/** What is held over the window now. `paths` is `null` where the program it comes from tells no names. */
export type Held = { readonly kind: "files"; readonly count: number | null } | { readonly kind: "text" };

/** Marks an element that takes dropped files; its value is a saved target's number, or empty for "elsewhere". */
export const ZONE_ATTRIBUTE = "data-drop-target";

/** Watches what is dragged over the window and carries out the drop. */
export class DropWatch {
  held = $state.raw<Held | null>(null);
  /** The zone under the pointer: a target's number, `"elsewhere"`, or none. */
  zone = $state<number | "elsewhere" | null>(null);

  constructor(private readonly application: Application) {}

  native = (drop: NativeDrop): void => {
    switch (drop.kind) {
      case "enter":
        this.held = drop.paths.length > 0 ? { kind: "files", count: drop.paths.length } : null;
        this.zone = zoneAt(drop.x, drop.y);
        return;
      case "over":
        this.zone = zoneAt(drop.x, drop.y);
        return;
      case "leave":
        return this.leave();
      case "drop": {
        const zone = zoneAt(drop.x, drop.y);
        this.leave();
        if (drop.paths.length > 0) this.take(drop.paths, zone);
      }
    }
  };

  over = (event: DragEvent): void => {
    const held = heldBy(event.dataTransfer);
    if (held === null || this.application.dialogs.isAnyOpen) return;
    event.preventDefault();
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = "copy";
    this.held = held;
    this.zone = zoneAt(event.clientX, event.clientY);
  };

  out = (event: DragEvent): void => {
    // Moving from one element to the next is no leaving; only the window's edge has nothing beyond.
    if (event.relatedTarget === null) this.leave();
  };

  drop = (event: DragEvent): void => {
    const held = this.held;
    const zone = zoneAt(event.clientX, event.clientY);
    this.leave();
    if (held === null) return;
    event.preventDefault();
    const text = droppedText(event.dataTransfer);
    if (held.kind === "text") {
      if (text !== "") void addDownloads(this.application, text);
      return;
    }
    // Only the desktop tells paths, and it does so by its own event.
    if (!this.application.engine.queue.host.drop_paths) {
      const targetId = typeof zone === "number" ? zone : null;
      this.application.dialogs.openAdd({ mode: "uploads", targetId, note: t().add.noBrowserPaths });
    }
  };

  private take(paths: readonly string[], zone: number | "elsewhere" | null): void {
    if (typeof zone === "number") void uploadTo(this.application, paths, zone);
    else this.application.dialogs.openAdd({ mode: "uploads", paths });
  }

  private leave(): void {
    this.held = null;
    this.zone = null;
  }
}

function zoneAt(x: number, y: number): number | "elsewhere" | null {
  const zone = document.elementFromPoint(x, y)?.closest(`[${ZONE_ATTRIBUTE}]`)?.getAttribute(ZONE_ATTRIBUTE);
  if (zone === undefined || zone === null) return null;
  return zone === "" ? "elsewhere" : Number(zone);
}

function heldBy(transfer: DataTransfer | null): Held | null {
  const types = transfer?.types ?? [];
  if (types.includes("Files")) return { kind: "files", count: transfer?.items.length || null };
  if (types.includes("text/uri-list") || types.includes("text/plain")) return { kind: "text" };
  return null;
}

function droppedText(transfer: DataTransfer | null): string {
  const addresses = transfer?.getData("text/uri-list") ?? "";
  return (addresses === "" ? (transfer?.getData("text/plain") ?? "") : addresses).trim();
}

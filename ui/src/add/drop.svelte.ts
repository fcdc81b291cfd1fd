import type { NativeDrop } from "../host/host";
import type { Application } from "../state/application";
import { t } from "../texts/texts.svelte";
import { addDownloads, uploadTo } from "./commands";
import { hasMetalinkName, metalinkAmong } from "./metalink";

/** What is held over the window now. `paths` is `null` where the program it comes from tells no names. */
export type Held = { readonly kind: "files"; readonly count: number | null } | { readonly kind: "text" };

/** Marks an element that takes dropped files; its value is a saved target's number, or empty for "elsewhere". */
export const ZONE_ATTRIBUTE = "data-drop-target";

/** Watches what is dragged over the window and carries out the drop. */
export class DropWatch {
  held = $state.raw<Held | null>(null);
  /** The zone under the pointer: a target's number, `"elsewhere"`, or none. */
  zone = $state<number | "elsewhere" | null>(null);

  /** Whether the desktop tells of this drag itself: the page's own events for it know less. */
  private isNative = false;
  private lastEntered: EventTarget | null = null;

  constructor(private readonly application: Application) {}

  native = (drop: NativeDrop): void => {
    switch (drop.kind) {
      case "enter": {
        this.isNative = true;
        if (this.application.dialogs.isAnyOpen) return;
        // A Metalink is downloaded, as a link is.
        const files = drop.paths.filter(isUpload).length;
        this.held = files > 0 ? { kind: "files", count: files } : { kind: "text" };
        this.zone = zoneAt(drop.x, drop.y);
        return;
      }
      case "over":
        this.zone = zoneAt(drop.x, drop.y);
        return;
      case "leave":
        return this.leave();
      case "drop": {
        const zone = zoneAt(drop.x, drop.y);
        const isWanted = this.held !== null;
        this.leave();
        // What is no path is a link of a browser; the desktop offers it on its own.
        // A Metalink too: the desktop reads it, which the page cannot.
        const files = drop.paths.filter(isUpload);
        if (isWanted && files.length > 0) this.take(files, zone);
      }
    }
  };

  over = (event: DragEvent): void => {
    if (event.type === "dragenter") this.lastEntered = event.target;
    const held = heldBy(event.dataTransfer);
    if (held === null || this.application.dialogs.isAnyOpen) return;
    // Also where the desktop takes the drop: without this the program dragged from is told that nothing is wanted.
    event.preventDefault();
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = "copy";
    if (this.isNative) return;
    this.held = held;
    this.zone = zoneAt(event.clientX, event.clientY);
  };

  out = (event: DragEvent): void => {
    // The next element is entered before the last one is left, so leaving the one entered last is leaving the window.
    // `relatedTarget` would say so too, but WebKit never sets it.
    if (!this.isNative && event.target === this.lastEntered) this.leave();
  };

  drop = (event: DragEvent): void => {
    if (this.isNative) return;
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
    if (this.application.engine.queue.host.drop_paths) return;
    // The list of files is emptied when this event is over.
    void this.takeInBrowser([...(event.dataTransfer?.files ?? [])], zone);
  };

  /** A browser tells what is in a file but not where it is: enough for a Metalink, too little for an upload. */
  private async takeInBrowser(files: readonly File[], zone: number | "elsewhere" | null): Promise<void> {
    const metalink = await metalinkAmong(files);
    if (metalink !== null) return addDownloads(this.application, metalink);
    const targetId = typeof zone === "number" ? zone : null;
    this.application.dialogs.openAdd({ mode: "uploads", targetId, note: t().add.noBrowserPaths });
  }

  private take(paths: readonly string[], zone: number | "elsewhere" | null): void {
    if (typeof zone === "number") void uploadTo(this.application, paths, zone);
    else this.application.dialogs.openAdd({ mode: "uploads", paths });
  }

  private leave(): void {
    this.held = null;
    this.zone = null;
    this.isNative = false;
    this.lastEntered = null;
  }
}

/** An absolute path, of Windows or of any other system. */
function isPath(path: string): boolean {
  return /^(\/|\\\\|[a-z]:[\\/])/i.test(path);
}

/** Whether a dropped path is a file to upload: a Metalink names what to download. */
function isUpload(path: string): boolean {
  return isPath(path) && !hasMetalinkName(path);
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

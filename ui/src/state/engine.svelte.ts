import type { Batch } from "../gen/Batch";
import type { Host, LinkState } from "../host/host";
import { applyEvents, EMPTY_QUEUE, fromSnapshot, offersOf, type QueueState } from "./queue";

/** Batches held while a snapshot is on its way; a snapshot that takes longer than this many is asked for again. */
const MOST_HELD_BATCHES = 1_000;

export interface Offer {
  readonly text: string;
  readonly paths: readonly string[];
}

/**
 * The engine's queue as this window knows it. Subscribes first and takes the snapshot second, so that no batch falls
 * between the two; a gap in the numbers starts with a snapshot again.
 */
export class Engine {
  queue = $state.raw<QueueState>(EMPTY_QUEUE);
  link = $state<LinkState>("connecting");
  /** Whether a snapshot has arrived: an empty list before it means nothing. */
  isLoaded = $state(false);
  onOffer: (offer: Offer) => void = () => undefined;
  /** Told of every state after a batch, with the one before: for announcements. */
  onChange: (before: QueueState, after: QueueState, batch: Batch) => void = () => undefined;

  private held: Batch[] | null = [];
  private isAsking = false;

  constructor(readonly host: Host) {}

  /** Follows the engine until the returned function is called. */
  follow(): () => void {
    return this.host.subscribe(
      (batch) => this.take(batch),
      (link) => {
        this.link = link;
        if (link === "open") void this.startAgain();
      },
    );
  }

  private take(batch: Batch): void {
    if (this.held !== null) {
      this.held.push(batch);
      if (this.held.length > MOST_HELD_BATCHES) this.held.shift();
      return;
    }
    const applied = applyEvents(this.queue, batch);
    if (applied.kind === "gap") {
      this.held = [batch];
      void this.startAgain();
      return;
    }
    const before = this.queue;
    this.queue = applied.state;
    this.onChange(before, applied.state, batch);
    for (const offer of offersOf(batch)) this.onOffer(offer);
  }

  private async startAgain(): Promise<void> {
    this.held ??= [];
    if (this.isAsking) return;
    this.isAsking = true;
    const snapshot = await this.host.call("snapshot", {}).catch(() => null);
    this.isAsking = false;
    // The link breaks with the call, and asks again when it is back.
    if (snapshot === null) {
      if (this.link === "open") this.link = "lost";
      return;
    }
    this.queue = fromSnapshot(snapshot, this.queue);
    this.isLoaded = true;
    const held = this.held ?? [];
    this.held = null;
    for (const batch of held) this.take(batch);
  }
}

import type { JobDetail } from "../gen/JobDetail";
import type { JobView } from "../gen/JobView";
import type { Host } from "../host/host";
import { isOver } from "./actions";

const POLL_MS = 1_000;

/**
 * The details of one job: asked for at once, again each second while it can change and the window is in sight, and
 * whenever its row becomes another.
 */
export class DetailWatch {
  detail = $state.raw<JobDetail | null>(null);
  private followed: number | null = null;
  private asked = 0;
  private answered = 0;

  constructor(private readonly host: Host) {}

  /** Follows the job that `read` names; call once while a component is set up. `isProved` says that it is compared or repaired. */
  follow(read: () => JobView | null, isProved: (id: number) => boolean): void {
    const id = $derived(read()?.id ?? null);
    // Progress alone makes a new row object several times a second; only these changes are worth a call at once.
    const version = $derived.by(() => {
      const job = read();
      return job === null ? "" : [job.phase.kind, job.rate_limit, job.connections, job.priority, job.digest, job.source, job.start_at_ms].join();
    });
    const isMoving = $derived.by(() => {
      const job = read();
      if (job === null) return false;
      // Another window may have begun the comparison that goes on here.
      const goesOn = this.detail?.job.id === job.id && this.detail.proof !== null;
      return goesOn || isProved(job.id) || (!isOver(job) && job.phase.kind !== "failed");
    });
    $effect(() => {
      void version;
      this.followed = id;
      if (id === null) {
        this.detail = null;
        return;
      }
      void this.ask(id);
      if (!isMoving) return;
      const timer = setInterval(() => document.visibilityState === "visible" && void this.ask(id), POLL_MS);
      return () => clearInterval(timer);
    });
  }

  private async ask(id: number): Promise<void> {
    this.asked += 1;
    const mine = this.asked;
    // A row that was removed meanwhile, or a lost line, is shown elsewhere; the pane keeps what it had.
    const detail = await this.host.call("job_detail", { id }).catch(() => null);
    // An answer may come after the next question: it still tells more than the one before it, unless of another row.
    if (detail === null || mine < this.answered || id !== this.followed) return;
    this.answered = mine;
    this.detail = detail;
  }
}

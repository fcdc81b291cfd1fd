import type { JobView } from "../gen/JobView";
import { formatDuration } from "../format/duration";
import { assertNever } from "../shared/assert_never";
import type { IconName } from "../shared/Icon.svelte";
import type { Messages } from "../texts/en";

/** What stands in a row's last column. */
export interface StateText {
  readonly text: string;
  /** A sentence after it, quieter. */
  readonly more: string;
  readonly icon: IconName | null;
  readonly isAlarm: boolean;
}

/** The state in words; `now` is Unix time in milliseconds. */
export function stateText(job: JobView, texts: Messages, nameOf: (code: string) => string | null, now: number): StateText {
  const plain = (text: string, icon: IconName | null = null, more = ""): StateText => ({ text, more, icon, isAlarm: false });
  const { phase, wish } = job;
  switch (phase.kind) {
    case "queued":
      return plain(wish === "pause" ? texts.phase.pausing : texts.phase.queued);
    case "probing":
      return plain(wish === "run" ? texts.phase.probing : unwished(job, texts));
    case "running":
      return plain(wish === "run" ? underWay(job, texts) : unwished(job, texts));
    case "waiting": {
      const seconds = Math.ceil((phase.until_ms - now) / 1000);
      const when = seconds > 0 ? texts.phase.retryIn(formatDuration(seconds)) : texts.phase.retryNow;
      return plain(when, "clock", nameOf(phase.cause.code) ?? phase.cause.message);
    }
    case "paused":
      return plain(texts.phase.paused);
    case "verifying":
      return plain(texts.phase.verifying, "shield");
    case "completed":
      return plain(texts.phase.completed, isProved(job) ? "shield" : "check");
    case "canceled":
      return plain(texts.phase.canceled);
    case "failed": {
      const name = nameOf(phase.failure.code);
      const { message } = phase.failure;
      return { text: name ?? message, more: name === null ? "" : message, icon: "alarm", isAlarm: true };
    }
    default:
      return assertNever(phase);
  }
}

function isProved(job: JobView): boolean {
  return job.verification === "checksum_given" || job.verification === "checksum_of_server";
}

function unwished(job: JobView, texts: Messages): string {
  return job.wish === "pause" ? texts.phase.pausing : texts.phase.canceling;
}

function underWay(job: JobView, texts: Messages): string {
  if (job.direction === "upload") return texts.list.upTo(job.host);
  const { active_connections: connections } = job.progress;
  return connections > 0 ? texts.list.connections(connections) : texts.phase.starting;
}

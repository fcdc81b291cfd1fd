import type { JobView } from "../gen/JobView";
import type { ObstacleView } from "../gen/ObstacleView";
import { formatDuration } from "../format/duration";
import { formatMoment } from "../format/moment";
import type { NumberFormats } from "../format/number";
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

const OBSTACLE_ICONS: Readonly<Record<ObstacleView, IconName>> = { network: "network", room: "disk", name_taken: "copy" };

/** Longer than this after its time a try does not wait for the clock any more, but for a place. */
const AT_ONCE_SECONDS = 3;

/** Whether the words change with the time alone. */
export function ticks(job: JobView): boolean {
  return job.phase.kind === "waiting" || (job.phase.kind === "queued" && job.start_at_ms !== null);
}

/** The state in words; `now` is Unix time in milliseconds. */
export function stateText(
  job: JobView,
  texts: Messages,
  nameOf: (code: string) => string | null,
  now: number,
  formats: NumberFormats,
): StateText {
  const plain = (text: string, icon: IconName | null = null, more = ""): StateText => ({ text, more, icon, isAlarm: false });
  const { phase, wish } = job;
  switch (phase.kind) {
    case "queued":
      if (wish === "pause") return plain(texts.phase.pausing);
      if (job.start_at_ms === null || job.start_at_ms <= now) return plain(texts.phase.queued);
      return plain(texts.phase.startsAt(formatMoment(job.start_at_ms, now, formats)), "clock");
    case "probing":
      return plain(wish === "run" ? texts.phase.probing : unwished(job, texts));
    case "running":
      return plain(wish === "run" ? underWay(job, texts) : unwished(job, texts));
    case "waiting": {
      const seconds = Math.ceil((phase.until_ms - now) / 1000);
      const when = seconds > 0 ? texts.phase.retryIn(formatDuration(seconds)) : dueText(seconds, texts);
      return plain(when, "clock", nameOf(phase.cause.code) ?? phase.cause.message);
    }
    case "blocked": {
      const needsUser = phase.by !== "network";
      return { text: texts.blocked[phase.by], more: phase.failure.message, icon: OBSTACLE_ICONS[phase.by], isAlarm: needsUser };
    }
    case "link_expired":
      return { text: texts.phase.linkExpired, more: phase.failure.message, icon: "broken", isAlarm: true };
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

/** A try whose time has come begins at once, unless every place is taken. */
function dueText(seconds: number, texts: Messages): string {
  return seconds > -AT_ONCE_SECONDS ? texts.phase.retryNow : texts.phase.queued;
}

function isProved(job: JobView): boolean {
  return job.verification === "checksum_given" || job.verification === "checksum_of_server";
}

function unwished(job: JobView, texts: Messages): string {
  return job.wish === "pause" ? texts.phase.pausing : texts.phase.canceling;
}

function underWay(job: JobView, texts: Messages): string {
  if (job.direction === "upload") return texts.list.upTo(job.host);
  const { active_connections, rate } = job.progress;
  // Under a limit there are moments in which every connection waits, but the transfer is long under way.
  const connections = Math.max(active_connections, rate > 0 ? 1 : 0);
  return connections > 0 ? texts.list.connections(connections) : texts.phase.starting;
}

import type { FailureView } from "../gen/FailureView";
import type { JobView } from "../gen/JobView";
import type { BlockerView } from "../gen/BlockerView";
import type { Totals } from "../gen/Totals";
import { formatDuration } from "../format/duration";
import { formatMoment } from "../format/moment";
import type { NumberFormats } from "../format/number";
import { formatSize } from "../format/size";
import { untilText } from "../settings/schedule";
import { assertNever } from "../shared/assert_never";
import type { IconName } from "../shared/Icon.svelte";
import { isDamaged, needsLogin } from "../state/groups";
import type { Messages } from "../texts/en";
import type { ProofWork } from "./proofs.svelte";

/** What stands in a row's last column. */
export interface StateText {
  readonly text: string;
  /** A sentence after it, quieter. */
  readonly more: string;
  readonly icon: IconName | null;
  readonly isAlarm: boolean;
}

const BLOCKER_ICONS: Readonly<Record<BlockerView, IconName>> = { network: "network", room: "disk", name_taken: "copy" };

/** Longer than this after its time a try does not wait for the clock any more, but for a place. */
const AT_ONCE_SECONDS = 3;

/** Whether the words change with the time alone. */
export function ticks(job: JobView): boolean {
  return job.phase.kind === "waiting" || (job.phase.kind === "queued" && job.start_at_ms !== null);
}

/** What the words of a state are made with. */
export interface StateWords {
  readonly texts: Messages;
  readonly nameOf: (code: string) => string | null;
  /** Unix time in milliseconds. */
  readonly now: number;
  readonly formats: NumberFormats;
  /** What keeps all jobs from starting, and the limits in force. */
  readonly totals?: Pick<Totals, "pause" | "limits">;
  /** What is done for the proof of the file. */
  readonly work?: ProofWork | null;
}

/** The state in words, the reason first: a row has room for the beginning of a sentence. */
export function stateText(job: JobView, words: StateWords): StateText {
  const { texts, now, formats, work } = words;
  const plain = (text: string, icon: IconName | null = null, more = ""): StateText => ({ text, more, icon, isAlarm: false });
  const { phase, wish } = job;
  if (work === "repair" || work === "verify") return plain(texts.proving[work], "shield");
  if (job.damage !== null && isDamaged(job)) {
    return { text: texts.proof.damagedFile, more: formatSize(job.damage.bytes, formats), icon: "alarm", isAlarm: true };
  }
  switch (phase.kind) {
    case "queued":
      return queuedText(job, words);
    case "probing":
      return plain(wish === "run" ? texts.phase.probing : unwished(job, texts));
    case "running":
      return plain(wish === "run" ? underWay(job, texts) : unwished(job, texts));
    case "waiting": {
      const seconds = Math.ceil((phase.until_ms - now) / 1000);
      const more = reason(phase.cause, words) ?? phase.cause.message;
      if (seconds > 0) return plain(texts.phase.retryIn(formatDuration(seconds)), "clock", more);
      return { ...(heldText(words) ?? plain(dueText(seconds, texts), "clock")), more };
    }
    case "blocked": {
      const needsUser = phase.by !== "network";
      return { text: texts.blocked[phase.by], more: "", icon: BLOCKER_ICONS[phase.by], isAlarm: needsUser };
    }
    case "link_expired":
      return { text: withStatus(texts.phase.linkExpired, phase.failure), more: job.host, icon: "broken", isAlarm: true };
    case "paused":
      return plain(texts.phase.paused);
    case "verifying":
      return plain(texts.phase.verifying, "shield");
    case "completed":
      return plain(texts.phase.completed, isProved(job) ? "shield" : "check");
    case "canceled":
      return plain(texts.phase.canceled);
    case "failed": {
      const text = reason(phase.failure, words);
      const more = isOfServer(phase.failure) ? job.host : "";
      return { text: text ?? phase.failure.message, more: text === null ? "" : more, icon: "alarm", isAlarm: true };
    }
    default:
      return assertNever(phase);
  }
}

function queuedText(job: JobView, words: StateWords): StateText {
  const { texts, now, formats } = words;
  const plain = (text: string, icon: IconName | null = null): StateText => ({ text, more: "", icon, isAlarm: false });
  if (job.wish === "pause") return plain(texts.phase.pausing);
  if (job.start_at_ms !== null && job.start_at_ms > now) {
    return plain(texts.phase.startsAt(formatMoment(job.start_at_ms, now, formats)), "clock");
  }
  return heldText(words) ?? plain(texts.phase.queued);
}

/** What keeps every job that could start from it; `null` where nothing does. */
function heldText({ texts, now, formats, totals }: StateWords): StateText | null {
  switch (totals?.pause?.kind) {
    case "schedule":
      return { text: texts.schedule.pausedUntil(untilText(totals.limits, now, formats)), more: "", icon: "clock", isAlarm: false };
    case "settings":
    case "unrecorded":
      return { text: texts.held[totals.pause.kind], more: "", icon: "alarm", isAlarm: false };
    case undefined:
      return null;
  }
}

/** The name of a failure, with the status that says most in the least room. */
function reason(failure: FailureView, { nameOf }: StateWords): string | null {
  const name = nameOf(failure.code);
  return name === null ? null : withStatus(name, failure);
}

function withStatus(text: string, { status }: FailureView): string {
  return status === null ? text : `${status} · ${text}`;
}

/** Whether the server's name belongs to the reason. */
function isOfServer({ code }: FailureView): boolean {
  return /^(HTTP_|SERVER_|NETWORK_|TLS_|REDIRECT_)/.test(code);
}

/** What another link, or a login for the same one, is asked for with. */
export function renewLabel(job: JobView, texts: Messages): string {
  return needsLogin(job) ? texts.actions.login : texts.actions.renew;
}

/** What asking for the same once more is called. */
export function againLabel(job: JobView, texts: Messages): string {
  return job.direction === "download" ? texts.actions.downloadAgain : texts.actions.uploadAgain;
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

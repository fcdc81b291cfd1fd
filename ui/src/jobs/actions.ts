import type { JobView } from "../gen/JobView";
import type { KnownFailure } from "../texts/en";
import { doubtsChecksum, isDamaged, leadsElsewhere, needsLogin } from "../state/groups";
import { assertNever } from "../shared/assert_never";
import type { IconName } from "../shared/Icon.svelte";
import type { Abilities } from "../state/application";

/** The one thing a user most likely wants of a row now. */
export type PrimaryAction =
  | "pause"
  | "resume"
  | "retry"
  | "start_again"
  | "try_now"
  | "open"
  | "save"
  | "reveal"
  | "renew"
  | "checksum"
  | "keep_both"
  | "repair"
  | "again";

export const ACTION_ICONS: Readonly<Record<PrimaryAction, IconName>> = {
  pause: "pause",
  resume: "resume",
  retry: "retry",
  start_again: "retry",
  try_now: "retry",
  open: "open",
  save: "download",
  reveal: "folder",
  renew: "link",
  checksum: "shield",
  keep_both: "copy",
  repair: "shield",
  again: "retry",
};

/** What asks for another link, or for a login. */
export function renewIcon(job: JobView): IconName {
  return needsLogin(job) ? "key" : "link";
}

/** The action on the row itself; `null` where none makes sense. */
export function primaryAction(job: JobView, can: Abilities): PrimaryAction | null {
  if (isDamaged(job)) return "repair";
  switch (job.phase.kind) {
    case "queued":
    case "probing":
    case "running":
    case "verifying":
      return job.wish === "run" ? "pause" : null;
    case "waiting":
      return job.wish === "run" ? "try_now" : null;
    case "blocked":
      if (job.wish !== "run") return null;
      return job.phase.by === "name_taken" ? "keep_both" : "try_now";
    case "paused":
      return "resume";
    case "link_expired":
      return canRenew(job) ? "renew" : "retry";
    case "failed":
      if (leadsElsewhere(job) || needsLogin(job)) return "renew";
      if (doubtsChecksum(job)) return "checksum";
      return job.phase.failure.can_resume ? "retry" : "start_again";
    case "completed":
      return fileAction(job, can);
    case "canceled":
      return "again";
    default:
      return assertNever(job.phase);
  }
}

/** What is done with a finished file: it is opened, or saved where the desktop is another machine's. */
function fileAction(job: JobView, can: Abilities): "open" | "save" | "reveal" | null {
  if (job.path === null) return null;
  if (can.open) return "open";
  if (can.save && job.direction === "download") return "save";
  return can.reveal ? "reveal" : null;
}

export function canPause(job: JobView): boolean {
  if (isOver(job) || job.wish !== "run") return false;
  return job.phase.kind !== "failed" && job.phase.kind !== "paused" && job.phase.kind !== "link_expired";
}

/** Whether trying on, or trying again, makes sense; a taken name is not tried again but answered. */
export function canResume(job: JobView): boolean {
  switch (job.phase.kind) {
    case "paused":
    case "failed":
    case "waiting":
    case "link_expired":
      return true;
    case "blocked":
      return job.phase.by !== "name_taken";
    case "queued":
    case "probing":
    case "running":
    case "verifying":
    case "completed":
    case "canceled":
      return false;
    default:
      return assertNever(job.phase);
  }
}

/** Whether another link to the same file can be given; the bytes are kept. */
export function canRenew(job: JobView): boolean {
  return job.direction === "download" && !isActive(job) && !isOver(job);
}

/** What a server that answers, but not with the file, makes a job fail for. */
const ANSWERED_WITHOUT_FILE: ReadonlySet<string> = new Set<KnownFailure>([
  "HTTP_NOT_FOUND",
  "HTTP_GONE",
  "HTTP_UNAUTHORIZED",
  "HTTP_FORBIDDEN",
  "HTTP_RATE_LIMITED",
  "HTTP_SERVER_ERROR",
  "HTTP_REFUSED",
  "HTTP_CONFLICT",
  "HTTP_TOO_LARGE",
  "HTTP_LOCKED",
  "HTTP_STORAGE_FULL",
  "SERVER_BAD_CONTENT",
  "SERVER_CONTENT_CODING",
  "SERVER_BAD_RESPONSE",
  "REDIRECT_REFUSED",
  "RENEWED_LINK_DIFFERS",
]);

/** Whether another link is what the job most likely lacks: the server answers, but not with the file. */
export function lacksLink(job: JobView): boolean {
  if (!canRenew(job)) return false;
  if (job.phase.kind === "link_expired") return true;
  return job.phase.kind === "failed" && ANSWERED_WITHOUT_FILE.has(job.phase.failure.code);
}

/** Whether the user is asked what becomes of a taken name. */
export function asksAboutName(job: JobView): boolean {
  return job.phase.kind === "blocked" && job.phase.by === "name_taken";
}

/** Waits by itself for something to come back: pausing it is not what Space is for. */
function isHeldUp(job: JobView): boolean {
  return job.phase.kind === "waiting" || job.phase.kind === "blocked";
}

/** Completed or given up: nothing will move any more. */
export function isOver(job: JobView): boolean {
  return job.phase.kind === "completed" || job.phase.kind === "canceled";
}

export function isActive(job: JobView): boolean {
  return job.phase.kind === "probing" || job.phase.kind === "running" || job.phase.kind === "verifying";
}

/** Completed or canceled: the same can be asked for once more. */
export const canDoAgain = isOver;

/** Whether removing the job could delete a file that it finished. */
export function hasOwnFile(job: JobView): boolean {
  return job.direction === "download" && job.phase.kind === "completed" && job.path !== null;
}

/** Whether the bytes on the disk can be compared with what was recorded as they came: nothing may write to them meanwhile. */
export function canVerify(job: JobView): boolean {
  if (job.direction !== "download" || job.phase.kind === "canceled" || isActive(job)) return false;
  return job.phase.kind === "completed" ? job.path !== null : job.progress.durable > 0;
}

/** Whether a checksum beside the file would be of use. */
export function canSearchChecksum(job: JobView): boolean {
  if (job.direction !== "download" || job.phase.kind === "canceled") return false;
  return job.verification !== "checksum_given" && job.verification !== "checksum_of_server";
}

/** What Space does to the marked rows: pause while anything can be paused, else resume. */
export function toggleOf(jobs: readonly JobView[]): { call: "job_pause" | "job_resume"; ids: number[] } | null {
  const running = jobs.filter((job) => canPause(job) && !isHeldUp(job));
  if (running.length > 0) return { call: "job_pause", ids: running.map(({ id }) => id) };
  const resumable = jobs.filter(canResume);
  return resumable.length > 0 ? { call: "job_resume", ids: resumable.map(({ id }) => id) } : null;
}

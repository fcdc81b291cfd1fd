import type { JobDetail } from "../gen/JobDetail";
import type { JobView } from "../gen/JobView";
import { formatExactSize, formatSize } from "../format/size";
import type { NumberFormats } from "../format/number";
import type { Messages } from "../texts/en";
import { isOver } from "./actions";
import type { Fact } from "./Facts.svelte";
import { isWholeHere } from "./progress";

/** What the overview says about a job; facts that are not known are left out. */
export function factsOf(job: JobView, detail: JobDetail | null, texts: Messages, formats: NumberFormats): Fact[] {
  return [...placeFacts(job, detail, texts), ...sizeFacts(job, texts, formats), ...proofFacts(job, detail, texts, formats), ...timeFacts(job, texts, formats)];
}

function placeFacts(job: JobView, detail: JobDetail | null, texts: Messages): Fact[] {
  const facts: Fact[] = [
    { name: texts.details.from, value: job.source, copies: "source" },
    { name: texts.details.to, value: targetOf(job), ...copied(job) },
  ];
  const final = detail?.final_url ?? null;
  if (final !== null && final !== job.source && final !== job.destination) {
    const name = job.direction === "upload" ? texts.details.storedAt : texts.details.redirected;
    facts.push({ name, value: final, copies: "final_url" });
  }
  facts.push({ name: texts.details.server, value: job.host });
  const mirrors = detail?.mirrors ?? [];
  if (mirrors.length > 0) facts.push({ name: texts.details.mirrors, value: mirrors.join("\n"), isWide: true });
  return facts;
}

/** An upload's address is copied in full; a path has no secrets. */
function copied(job: JobView): Pick<Fact, "copies" | "canCopy"> {
  return job.direction === "upload" ? { copies: "destination" } : { canCopy: true };
}

/** Where the bytes end up: an upload's path is the file they come from. */
function targetOf(job: JobView): string {
  return job.direction === "upload" ? job.destination : (job.path ?? job.destination);
}

function sizeFacts(job: JobView, texts: Messages, formats: NumberFormats): Fact[] {
  const { length, durable } = job.progress;
  const saved = isWholeHere(job) ? length : durable;
  const size = length === null ? texts.details.unknown : formatExactSize(length, formats, texts.bytes);
  const facts: Fact[] = [{ name: texts.details.size, value: size }];
  const name = job.direction === "upload" ? texts.details.acknowledged : texts.details.saved;
  if (!isOver(job)) facts.push({ name, value: formatSize(saved, formats) });
  return facts;
}

function proofFacts(job: JobView, detail: JobDetail | null, texts: Messages, formats: NumberFormats): Fact[] {
  const facts: Fact[] = [];
  const isProved = job.verification === "checksum_given" || job.verification === "checksum_of_server";
  if (job.digest !== null) {
    const proof = job.verification === null ? {} : { mark: texts.verified[job.verification] };
    const icon = isProved ? { markIcon: "shield" as const } : {};
    facts.push({ name: texts.details.digest, value: job.digest, isCode: true, canCopy: true, ...proof, ...icon });
  } else if (job.verification !== null) {
    facts.push({ name: texts.details.proved, value: texts.verified[job.verification] });
  }
  const expected = detail?.expected_digest ?? null;
  if (expected !== null && expected !== job.digest) facts.push({ name: texts.details.expected, value: expected, isCode: true });
  const tag = detail?.entity_tag ?? null;
  if (tag !== null) {
    const strength = detail?.entity_tag_is_strong === true ? texts.details.strong : texts.details.weak;
    facts.push({ name: texts.details.entityTag, value: tag, mark: strength, isCode: true });
  }
  const modified = detail?.last_modified ?? null;
  if (modified !== null) facts.push({ name: texts.details.modified, value: dateText(modified, formats) });
  const validation = detail?.validation ?? null;
  if (validation !== null) facts.push({ name: texts.details.resumed, value: texts.validation[validation] });
  const headers = detail?.header_names ?? [];
  if (headers.length > 0) facts.push({ name: texts.details.headers, value: headers.join(", ") });
  return facts;
}

/** A server's date in the user's language; as it came where it is none. */
function dateText(sent: string, formats: NumberFormats): string {
  const at = Date.parse(sent);
  return Number.isNaN(at) ? sent : formats.dateTime.format(at);
}

function timeFacts(job: JobView, texts: Messages, formats: NumberFormats): Fact[] {
  const facts: Fact[] = [{ name: texts.details.added, value: formats.dateTime.format(job.created_ms) }];
  if (job.start_at_ms !== null && !isOver(job)) {
    facts.push({ name: texts.details.starts, value: formats.dateTime.format(job.start_at_ms) });
  }
  if (job.finished_ms !== null) {
    facts.push({ name: texts.details.finished, value: formats.dateTime.format(job.finished_ms) });
  }
  return facts;
}

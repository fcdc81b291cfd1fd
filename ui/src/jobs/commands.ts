import type { FullAddress } from "../gen/FullAddress";
import type { JobView } from "../gen/JobView";
import type { OnConflictView } from "../gen/OnConflictView";
import type { PriorityView } from "../gen/PriorityView";
import { CallRefused } from "../host/host";
import type { Application } from "../state/application";
import type { Move, ShownQueue } from "../state/reorder";
import { t } from "../texts/texts.svelte";
import { isDamaged } from "../state/groups";
import { hasOwnFile, isOver, primaryAction, type PrimaryAction, toggleOf } from "./actions";

/** The answers to "this name is taken"; asking again is none. */
export type NameChoice = Exclude<OnConflictView, "ask">;

const idsOf = (jobs: readonly JobView[]) => jobs.map(({ id }) => id);

/** Carries out a row's own action. */
export function carryOut(application: Application, job: JobView, action: PrimaryAction): void {
  switch (action) {
    case "pause":
      return void application.act("job_pause", { ids: [job.id] });
    case "resume":
    case "retry":
    case "start_again":
    case "try_now":
      return void application.act("job_resume", { ids: [job.id] });
    case "renew":
      application.dialogs.renewal = job.id;
      return;
    case "checksum":
      application.dialogs.checksum = job.id;
      return;
    case "keep_both":
      return answer(application, [job], "rename");
    case "open":
      return void application.act("host_open", { id: job.id });
    case "save":
      return void save(application, job);
    case "reveal":
      return void application.act("host_reveal", { id: job.id });
    case "repair":
      return void repair(application, job.id);
    case "again":
      return void doAgain(application, [job]);
  }
}

/** A double click, or Enter: opens a finished file, and the details of any other row. */
export function openFocused(application: Application): void {
  const { view, abilities } = application;
  const jobs = view.selectedJobs();
  const [job] = jobs;
  if (job === undefined) return;
  const action = jobs.length === 1 ? primaryAction(job, abilities) : null;
  if (action === "open" || action === "save") carryOut(application, job, action);
  else view.showDetails(!view.isDetailOpen);
}

async function repair(application: Application, id: number): Promise<void> {
  const { proofs, notices } = application;
  await proofs.repair(id);
  const { problem, report } = proofs.of(id);
  if (problem !== null) notices.refuse(new CallRefused(problem));
  else if (report?.damaged.length === 0) notices.confirm(t().proof.repairedFile);
}

async function save(application: Application, job: JobView): Promise<void> {
  try {
    await application.host.saveFile?.(job.id);
  } catch (thrown) {
    application.notices.refuse(thrown);
  }
}

/** Transfers the same once more. */
export async function doAgain(application: Application, jobs: readonly JobView[]): Promise<void> {
  const added = await application.act("job_again", { ids: idsOf(jobs) });
  const [first] = added?.jobs ?? [];
  if (first !== undefined) application.view.show(first.id);
}

/** Says what becomes of complete downloads whose names are taken. */
export function answer(application: Application, jobs: readonly JobView[], choice: NameChoice): void {
  for (const { id } of jobs) void application.act("job_answer", { id, choice });
}

/** Space: pauses or resumes the marked rows. */
export function togglePause(application: Application, jobs: readonly JobView[]): void {
  const toggle = toggleOf(jobs);
  if (toggle !== null) void application.act(toggle.call, { ids: toggle.ids });
}

/**
 * Takes rows off the list. Nothing is lost by removing finished rows, whose files stay, so that asks nothing; saved
 * bytes or files are given up only after a question.
 */
export function askToRemove(application: Application, jobs: readonly JobView[], deletesFiles = false): void {
  if (jobs.length === 0) return;
  const unfinished = jobs.filter((job) => !isOver(job)).length;
  const withFile = jobs.filter(hasOwnFile).length;
  if (unfinished > 0 || (deletesFiles && withFile > 0)) {
    application.dialogs.removal = { kind: "remove", ids: idsOf(jobs), unfinished, withFile, deletesFiles };
  } else {
    takeOff(application, idsOf(jobs));
  }
}

/** Takes all that is over off the list, but what is damaged. */
export function clearFinished(application: Application): void {
  const { engine, view } = application;
  const over = engine.queue.jobs.toArray().filter((job) => isOver(job) && !isDamaged(job) && !view.hidden.has(job.id));
  takeOff(application, idsOf(over));
}

/** Takes rows off the list whose files stay; the user can take that back for a while. */
function takeOff(application: Application, ids: readonly number[]): void {
  if (ids.length === 0) return;
  const { takeBack } = application.undo.hide(ids, () => {
    void application.act("job_remove", { ids: [...ids], delete_files: false }).then(() => application.view.unhide(ids));
  });
  application.notices.offerUndo(t().remove.removed(ids.length), { label: t().undo, choose: takeBack });
}

export async function remove(application: Application, ids: readonly number[], deletesFiles: boolean): Promise<void> {
  const done = await application.act("job_remove", { ids: [...ids], delete_files: deletesFiles });
  if (done === null) return;
  if (done.changed > 0) application.notices.confirm(t().remove.removed(done.changed));
  if (done.kept.length > 0) application.notices.warn(t().remove.kept(done.kept.length), t().remove.keptHint);
}

export function askToCancel(application: Application, jobs: readonly JobView[]): void {
  const unfinished = jobs.filter((job) => !isOver(job));
  if (unfinished.length === 0) return;
  application.dialogs.removal = {
    kind: "cancel",
    ids: idsOf(unfinished),
    unfinished: unfinished.length,
    withFile: 0,
    deletesFiles: false,
  };
}

export function setPriority(application: Application, jobs: readonly JobView[], priority: PriorityView): void {
  void application.act("job_change", { ids: idsOf(jobs), priority });
}

/** Moves rows to the front or the end of the queue, in the order they have in it. */
export function moveInQueue(application: Application, jobs: readonly JobView[], to: "front" | "end"): void {
  const ids = idsOf([...jobs].sort((a, b) => a.position - b.position));
  const moved = new Set(ids);
  const others = application.engine.queue.jobs.toArray().filter(({ id }) => !moved.has(id));
  const first = others.reduce<JobView | null>((least, job) => (least === null || job.position < least.position ? job : least), null);
  void application.act("job_move", { ids, before: to === "front" ? (first?.id ?? null) : null });
}

/** The stretch of the list that the row `id` is moved in, and its first place; `null` where it cannot be moved. */
export function shownQueue({ view, engine }: Application, id: number): { queue: ShownQueue; start: number } | null {
  const stretch = view.stretchOf(id);
  if (stretch === null) return null;
  const order = view.order.slice(stretch.start, stretch.end);
  const queue = { order, isDescending: view.sort.isDescending, jobs: () => engine.queue.jobs.toArray() };
  return { queue, start: stretch.start };
}

export function carryOutMove(application: Application, { call }: Move): void {
  void application.act("job_move", call);
}

/** Says why rows stay where they are, and offers the order in which they do not. */
export function refuseToMove(application: Application): void {
  const { list } = t();
  application.notices.suggest(list.onlyInQueueOrder, { label: list.sortByQueue, choose: () => application.view.sortByQueue() });
}

/** Copies an address in full: what the list shows of it has its secrets hidden, and would lead nowhere. */
export function copyAddress(application: Application, id: number, of: keyof FullAddress): Promise<void> {
  return copy(application, application.host.call("job_address", { id }).then((address) => address[of] ?? ""));
}

/** Copies text; a window without the permission says so. */
export async function copy(application: Application, text: string | Promise<string>): Promise<void> {
  try {
    // The promise goes to the clipboard as it is: after it is kept, some web views do not know the click any more.
    const blob = Promise.resolve(text).then((kept) => new Blob([kept], { type: "text/plain" }));
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
    application.notices.confirm(t().copied);
  } catch (thrown) {
    application.notices.refuse(thrown);
  }
}

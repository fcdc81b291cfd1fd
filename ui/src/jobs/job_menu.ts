import type { JobView } from "../gen/JobView";
import type { PriorityView } from "../gen/PriorityView";
import { type MenuEntry, SEPARATOR } from "../shared/menu";
import type { Application } from "../state/application";
import { t } from "../texts/texts.svelte";
import { doubtsChecksum, isDamaged } from "../state/groups";
import { asksAboutName, canDoAgain, canPause, canRenew, canResume, hasOwnFile, isActive, isOver, type PrimaryAction, renewIcon } from "./actions";
import { answer, askToCancel, askToRemove, carryOut, clearFinished, copy, copyAddress, doAgain, moveInQueue, setPriority } from "./commands";
import { againLabel, renewLabel } from "./state_text";

const PRIORITIES: readonly PriorityView[] = ["high", "normal", "low"];

/** Everything that can be done with the marked rows; entries that make no sense for any of them are left out. */
export function jobMenu(application: Application, jobs: readonly JobView[]): MenuEntry[] {
  const { actions, keys } = t();
  const unfinished = jobs.filter((job) => !isOver(job));
  return joined([
    files(application, jobs),
    answers(application, jobs),
    movement(application, jobs),
    places(application, jobs),
    unfinished.length > 0 ? queueing(application, unfinished) : [],
    [
      ...(unfinished.length > 0 ? [entry(actions.cancel, () => askToCancel(application, jobs), { icon: "stop" })] : []),
      entry(actions.remove, () => askToRemove(application, jobs), { icon: "bin", shortcut: keys.remove }),
      ...(jobs.some(hasOwnFile)
        ? [entry(actions.removeWithFile, () => askToRemove(application, jobs, true), { shortcut: keys.removeWithFile })]
        : []),
    ],
    [
      entry(actions.details, () => application.view.showDetails(true), { icon: "info", shortcut: keys.details }),
      entry(actions.clearFinished, () => clearFinished(application), {}),
    ],
  ]);
}

type Extras = Partial<Omit<Extract<MenuEntry, { kind: "entry" }>, "kind" | "label" | "choose">>;

function entry(label: string, choose: () => void, extras: Extras): MenuEntry {
  return { kind: "entry", label, choose, ...extras };
}

function movement(application: Application, jobs: readonly JobView[]): MenuEntry[] {
  const { actions, keys } = t();
  const pausable = jobs.filter(canPause).map(({ id }) => id);
  const resumable = jobs.filter(canResume).map(({ id }) => id);
  const isRetry = jobs.every((job) => job.phase.kind !== "paused");
  const entries: MenuEntry[] = [];
  if (pausable.length > 0) {
    entries.push(entry(actions.pause, () => void application.act("job_pause", { ids: pausable }), { icon: "pause", shortcut: keys.pause }));
  }
  if (resumable.length > 0) {
    const label = isRetry ? actions.retry : actions.resume;
    entries.push(entry(label, () => void application.act("job_resume", { ids: resumable }), { icon: isRetry ? "retry" : "resume" }));
  }
  return entries;
}

function answers(application: Application, jobs: readonly JobView[]): MenuEntry[] {
  const { actions } = t();
  const asking = jobs.filter(asksAboutName);
  if (asking.length > 0) {
    return [
      entry(actions.keepBoth, () => answer(application, asking, "rename"), { icon: "copy" }),
      entry(actions.replace, () => answer(application, asking, "overwrite"), { icon: "retry" }),
      entry(actions.keepOld, () => answer(application, asking, "fail"), { icon: "close" }),
    ];
  }
  const [job] = jobs;
  if (job === undefined || jobs.length > 1 || !canRenew(job)) return [];
  const checksum = entry(actions.checksum, () => carryOut(application, job, "checksum"), { icon: "shield" });
  return [...(doubtsChecksum(job) ? [checksum] : []), entry(renewLabel(job, t()), () => (application.dialogs.renewal = job.id), { icon: renewIcon(job) })];
}

/** What is done with finished files, and the same once more. */
function files(application: Application, jobs: readonly JobView[]): MenuEntry[] {
  const { actions, proof, keys } = t();
  const [job] = jobs;
  if (job === undefined) return [];
  const entries: MenuEntry[] = [];
  const { open, save, reveal } = application.abilities;
  const add = (label: string, action: PrimaryAction, extras: Extras) =>
    entries.push(entry(label, () => carryOut(application, job, action), extras));
  if (jobs.length === 1) {
    if (isDamaged(job)) add(proof.repair, "repair", { icon: "shield" });
    if (job.path !== null) {
      if (open) add(actions.open, "open", { icon: "open", shortcut: keys.open });
      if (save && hasOwnFile(job)) add(actions.save, "save", { icon: "download", shortcut: keys.open });
      if (reveal) add(actions.reveal, "reveal", { icon: "folder" });
    }
  }
  if (jobs.every(canDoAgain)) {
    entries.push(entry(againLabel(job, t()), () => void doAgain(application, jobs), { icon: "retry" }));
  }
  return entries;
}

function places(application: Application, jobs: readonly JobView[]): MenuEntry[] {
  const { actions } = t();
  const [job] = jobs;
  if (job === undefined || jobs.length > 1) return [];
  const entries: MenuEntry[] = [];
  const of = job.direction === "download" ? "source" : "destination";
  entries.push(entry(actions.copyAddress, () => void copyAddress(application, job.id, of), { icon: "copy" }));
  const { path } = job;
  if (path !== null) entries.push(entry(actions.copyPath, () => void copy(application, path), {}));
  return entries;
}

function queueing(application: Application, jobs: readonly JobView[]): MenuEntry[] {
  const texts = t();
  const later = jobs.filter((job) => !isActive(job)).map(({ id }) => id);
  return [
    ...PRIORITIES.map((priority) =>
      entry(`${texts.actions.priority}: ${texts.priorities[priority]}`, () => setPriority(application, jobs, priority), {
        isChecked: jobs.every((job) => job.priority === priority),
      }),
    ),
    ...(later.length > 0 ? [entry(texts.actions.startAt, () => (application.dialogs.start = later), { icon: "clock" })] : []),
    entry(texts.actions.moveUp, () => moveInQueue(application, jobs, "front"), {}),
    entry(texts.actions.moveDown, () => moveInQueue(application, jobs, "end"), {}),
  ];
}

function joined(groups: readonly MenuEntry[][]): MenuEntry[] {
  return groups.filter((group) => group.length > 0).flatMap((group, index) => (index === 0 ? group : [SEPARATOR, ...group]));
}

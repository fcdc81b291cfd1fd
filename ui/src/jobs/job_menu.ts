import type { JobView } from "../gen/JobView";
import type { PriorityView } from "../gen/PriorityView";
import { type MenuEntry, SEPARATOR } from "../shared/menu";
import type { Application } from "../state/application";
import { t } from "../texts/texts.svelte";
import { asksAboutName, canPause, canRenew, canResume, hasOwnFile, isActive, isOver } from "./actions";
import { answer, askToCancel, askToRemove, copy, moveInQueue, setPriority } from "./commands";

const PRIORITIES: readonly PriorityView[] = ["high", "normal", "low"];

/** Everything that can be done with the marked rows; entries that make no sense for any of them are left out. */
export function jobMenu(application: Application, jobs: readonly JobView[]): MenuEntry[] {
  const { actions } = t();
  const unfinished = jobs.filter((job) => !isOver(job));
  return joined([
    answers(application, jobs),
    movement(application, jobs),
    places(application, jobs),
    unfinished.length > 0 ? queueing(application, unfinished) : [],
    [
      ...(unfinished.length > 0 ? [entry(actions.cancel, () => askToCancel(application, jobs), { icon: "stop" })] : []),
      entry(actions.remove, () => askToRemove(application, jobs), { icon: "bin", shortcut: "Del" }),
      ...(jobs.some(hasOwnFile)
        ? [entry(actions.removeWithFile, () => askToRemove(application, jobs, true), { shortcut: "Shift+Del" })]
        : []),
    ],
    [
      entry(actions.details, () => application.view.showDetails(true), { icon: "info", shortcut: "Enter" }),
      entry(actions.clearFinished, () => void application.act("clear_finished", {}), {}),
    ],
  ]);
}

type Extras = Partial<Omit<Extract<MenuEntry, { kind: "entry" }>, "kind" | "label" | "choose">>;

function entry(label: string, choose: () => void, extras: Extras): MenuEntry {
  return { kind: "entry", label, choose, ...extras };
}

function movement(application: Application, jobs: readonly JobView[]): MenuEntry[] {
  const { actions } = t();
  const pausable = jobs.filter(canPause).map(({ id }) => id);
  const resumable = jobs.filter(canResume).map(({ id }) => id);
  const isRetry = jobs.every((job) => job.phase.kind !== "paused");
  const entries: MenuEntry[] = [];
  if (pausable.length > 0) {
    entries.push(entry(actions.pause, () => void application.act("job_pause", { ids: pausable }), { icon: "pause", shortcut: "Space" }));
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
  return [entry(actions.renew, () => (application.dialogs.renewal = job.id), { icon: "link" })];
}

function places(application: Application, jobs: readonly JobView[]): MenuEntry[] {
  const { actions } = t();
  const [job] = jobs;
  if (job === undefined || jobs.length > 1) return [];
  const entries: MenuEntry[] = [];
  if (application.engine.queue.host.reveal && job.path !== null) {
    entries.push(entry(actions.reveal, () => void application.act("host_reveal", { id: job.id }), { icon: "folder" }));
  }
  const address = job.direction === "download" ? job.source : job.destination;
  entries.push(entry(actions.copyAddress, () => void copy(application, address), { icon: "copy" }));
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

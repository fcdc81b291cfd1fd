import type { FoundJob } from "../gen/FoundJob";
import type { Application } from "../state/application";
import { explainFailure } from "../texts/explain";
import { t } from "../texts/texts.svelte";
import { refusedText } from "./lines";
import { isMetalink } from "./metalink";
import { emptyOptions, jobOptions } from "./options";

const plainOptions = () => {
  const options = jobOptions(emptyOptions());
  if (typeof options === "string") throw new Error("there is nothing in empty options to refuse");
  return options;
};

/** Addresses or a Metalink document, as the engine takes them. */
export function wanted(text: string): { text: string; metalink?: string } {
  return isMetalink(text) ? { text: "", metalink: text } : { text };
}

/** Which of these addresses are on the list already; none where that cannot be told. */
export async function findDuplicates(application: Application, text: string): Promise<readonly FoundJob[]> {
  if (isMetalink(text)) return [];
  return application.host.call("job_find", { text }).then(({ found }) => found, () => []);
}

/** Adds dropped addresses at once; the dialog opens only with what is there already, or was refused. */
export async function addDownloads(application: Application, text: string): Promise<void> {
  const found = await findDuplicates(application, text);
  if (found.length > 0) return application.dialogs.openAdd({ text, found });
  const added = await application.act("job_add", { ...wanted(text), options: plainOptions() });
  if (added === null) return;
  if (added.jobs.length > 0) application.notices.confirm(t().add.added(added.jobs.length));
  if (added.refused.length > 0) {
    application.dialogs.openAdd({ text: refusedText(text, added), refused: added.refused });
  }
}

/** Uploads dropped files to a saved target at once. */
export async function uploadTo(application: Application, paths: readonly string[], targetId: number): Promise<void> {
  const added = await application.act("upload_add", { paths: [...paths], target_id: targetId, options: plainOptions() });
  if (added === null) return;
  if (added.jobs.length > 0) application.notices.confirm(t().add.added(added.jobs.length));
  for (const refusal of added.refused) {
    const { what, hint } = explainFailure(refusal, refusal.input, t());
    application.notices.warn(what, hint);
  }
}

/** Opens the add dialog with what is on the clipboard; without leave to read it, empty, and says so. */
export async function addFromClipboard(application: Application): Promise<void> {
  const text = await navigator.clipboard.readText().catch(() => null);
  if (text === null) application.dialogs.openAdd({ note: t().add.clipboardUnread });
  else application.dialogs.openAdd({ text: text.trim() });
}

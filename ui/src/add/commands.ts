import type { Application } from "../state/application";
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

/** Adds dropped addresses at once; the dialog opens only with what was refused. */
export async function addDownloads(application: Application, text: string): Promise<void> {
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
  for (const { message, hint } of added.refused) application.notices.warn(message, hint);
}

/** Opens the add dialog with what is on the clipboard; without leave to read it, empty. */
export async function addFromClipboard(application: Application): Promise<void> {
  const text = await navigator.clipboard.readText().catch(() => "");
  application.dialogs.openAdd({ text: text.trim() });
}

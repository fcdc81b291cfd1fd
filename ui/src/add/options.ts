import { fromLocalInput } from "../format/moment";
import type { JobOptions } from "../gen/JobOptions";
import type { JobView } from "../gen/JobView";
import type { OnConflictView } from "../gen/OnConflictView";
import type { PriorityView } from "../gen/PriorityView";
import { type Algorithm, readChecksum } from "./checksum";

/** The folded fields of the add dialog, as typed. */
export interface OptionFields {
  connections: JobView["connections"];
  rateLimit: number | null | "invalid";
  /** As `<input type="datetime-local">` holds it. */
  startAt: string;
  checksum: string;
  digest: Algorithm | "";
  mirrors: string;
  headers: string;
  user: string;
  password: string;
  netrc: boolean;
  cookieFile: string;
  proxy: string;
  caFile: string;
  allowDowngrade: boolean;
  priority: PriorityView;
  onConflict: OnConflictView | "";
  paused: boolean;
}

/** A field that has to change before anything can be added. */
export type BadOption = "bad_limit" | "bad_checksum";

export function emptyOptions(): OptionFields {
  return {
    connections: null,
    rateLimit: null,
    startAt: "",
    checksum: "",
    digest: "",
    mirrors: "",
    headers: "",
    user: "",
    password: "",
    netrc: false,
    cookieFile: "",
    proxy: "",
    caFile: "",
    allowDowngrade: false,
    priority: "normal",
    onConflict: "",
    paused: false,
  };
}

/** The fields as the engine takes them, or the first one that it would not. Empty fields are left out. */
export function jobOptions(fields: OptionFields): JobOptions | BadOption {
  if (fields.rateLimit === "invalid") return "bad_limit";
  const checksum = readChecksum(fields.checksum);
  if (checksum.kind !== "empty" && checksum.kind !== "read") return "bad_checksum";
  const startAt = fromLocalInput(fields.startAt);
  const options: JobOptions = {
    headers: lines(fields.headers),
    mirrors: lines(fields.mirrors),
    netrc: fields.netrc,
    allow_downgrade: fields.allowDowngrade,
    priority: fields.priority,
    paused: fields.paused,
  };
  if (fields.rateLimit !== null) options.rate_limit = fields.rateLimit;
  if (fields.connections !== null) options.connections = fields.connections;
  if (fields.user !== "" || fields.password !== "") options.login = `${fields.user}:${fields.password}`;
  if (fields.onConflict !== "") options.on_conflict = fields.onConflict;
  if (fields.digest !== "") options.digest = fields.digest;
  if (checksum.kind === "read") options.checksum = checksum.checksum;
  if (startAt !== null) options.start_at_ms = startAt;
  const [proxy, caFile, cookieFile] = [fields.proxy.trim(), fields.caFile.trim(), fields.cookieFile.trim()];
  if (proxy !== "") options.proxy = proxy;
  if (caFile !== "") options.ca_file = caFile;
  if (cookieFile !== "") options.cookie_file = cookieFile;
  return options;
}

function lines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

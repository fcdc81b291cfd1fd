import type { JobOptions } from "../gen/JobOptions";
import type { OnConflictView } from "../gen/OnConflictView";
import type { PriorityView } from "../gen/PriorityView";

/** The folded fields of the add dialog, as typed. */
export interface OptionFields {
  connections: string;
  rateLimit: number | null | "invalid";
  checksum: string;
  headers: string;
  user: string;
  password: string;
  proxy: string;
  caFile: string;
  priority: PriorityView;
  onConflict: OnConflictView | "";
  paused: boolean;
}

export function emptyOptions(): OptionFields {
  return {
    connections: "",
    rateLimit: null,
    checksum: "",
    headers: "",
    user: "",
    password: "",
    proxy: "",
    caFile: "",
    priority: "normal",
    onConflict: "",
    paused: false,
  };
}

/** The fields as the engine takes them; `"bad_limit"` where the limit is no number. Empty fields are left out. */
export function jobOptions(fields: OptionFields): JobOptions | "bad_limit" {
  if (fields.rateLimit === "invalid") return "bad_limit";
  const options: JobOptions = {
    headers: fields.headers
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== ""),
    priority: fields.priority,
    paused: fields.paused,
    mirrors: [],
    netrc: false,
    allow_downgrade: false,
  };
  if (fields.rateLimit !== null) options.rate_limit = fields.rateLimit;
  if (fields.connections !== "") options.connections = Number(fields.connections);
  if (fields.user !== "" || fields.password !== "") options.login = `${fields.user}:${fields.password}`;
  if (fields.onConflict !== "") options.on_conflict = fields.onConflict;
  const [checksum, proxy, caFile] = [fields.checksum.trim(), fields.proxy.trim(), fields.caFile.trim()];
  if (checksum !== "") options.checksum = checksum;
  if (proxy !== "") options.proxy = proxy;
  if (caFile !== "") options.ca_file = caFile;
  return options;
}

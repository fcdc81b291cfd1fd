import { createContext } from "svelte";
import type { CallName, Host, Params, Reply } from "../host/host";
import { Dialogs } from "./dialogs.svelte";
import { Engine } from "./engine.svelte";
import { Notices } from "./notices.svelte";
import { ListView } from "./view.svelte";

/** What every component of the window shares. */
export class Application {
  readonly engine: Engine;
  readonly view: ListView;
  readonly notices = new Notices();
  readonly dialogs = new Dialogs();

  constructor(readonly host: Host) {
    this.engine = new Engine(host);
    this.view = new ListView(this.engine);
  }

  /** Carries out a call; a refusal is shown and gives `null`. */
  async act<K extends CallName>(name: K, params: Params<K>): Promise<Reply<K> | null> {
    try {
      return await this.host.call(name, params);
    } catch (thrown) {
      this.notices.refuse(thrown);
      return null;
    }
  }
}

export const [useApplication, provideApplication] = createContext<Application>();

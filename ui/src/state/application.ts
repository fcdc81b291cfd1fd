import { createContext } from "svelte";
import type { HostCapability } from "../gen/HostCapability";
import type { CallName, Host, Params, Reply } from "../host/host";
import { ProofDesk } from "../jobs/proofs.svelte";
import { Dialogs } from "./dialogs.svelte";
import { Engine } from "./engine.svelte";
import { Notices } from "./notices.svelte";
import { Undo } from "./undo";
import { ListView } from "./view.svelte";

/** What can be done here beside moving bytes. */
export interface Abilities extends HostCapability {
  /** A finished file can be saved through the browser. */
  readonly save: boolean;
}

/** What every component of the window shares. */
export class Application {
  readonly engine: Engine;
  readonly view: ListView;
  readonly notices = new Notices();
  readonly dialogs = new Dialogs();
  readonly proofs: ProofDesk;
  readonly undo: Undo;

  constructor(readonly host: Host) {
    this.engine = new Engine(host);
    this.view = new ListView(this.engine);
    this.proofs = new ProofDesk(host);
    this.undo = new Undo(this.view);
  }

  get abilities(): Abilities {
    return { ...this.engine.queue.host, save: this.host.saveFile !== undefined };
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

import type { ApiError } from "../gen/ApiError";
import type { Settings } from "../gen/Settings";
import { asRefusal, type Host } from "../host/host";

/**
 * Settings being changed. Every change is in force at once, one call after the other; until the engine has told of the
 * last one, the fields show what was asked for, so that a quick second change does not undo the first.
 */
export class SettingsEdit {
  /** Why the last change was refused. */
  problem = $state.raw<ApiError | null>(null);

  /** Asked for, and not told back yet. */
  private ahead = $state.raw<Settings | null>(null);
  private last: Promise<void> = Promise.resolve();
  private underWay = 0;

  constructor(
    private readonly host: Host,
    private readonly inForce: () => Settings,
  ) {}

  get settings(): Settings {
    return this.ahead ?? this.inForce();
  }

  /** Call whenever the engine has told of settings, also of those that another window changed. */
  told(): void {
    if (this.underWay === 0) this.ahead = null;
  }

  change(what: Partial<Settings>): Promise<void> {
    const next = { ...this.settings, ...what };
    this.ahead = next;
    this.underWay += 1;
    this.last = this.last.then(() => this.send(next));
    return this.last;
  }

  private async send(next: Settings): Promise<void> {
    let taken: Settings | null = null;
    try {
      taken = await this.host.call("settings_set", next);
      this.problem = null;
    } catch (thrown) {
      this.problem = asRefusal(thrown);
    }
    this.underWay -= 1;
    if (this.underWay > 0) return;
    // The engine may have told of it before its reply was here.
    const isTold = JSON.stringify(taken) === JSON.stringify(this.inForce());
    this.ahead = isTold ? null : taken;
  }
}

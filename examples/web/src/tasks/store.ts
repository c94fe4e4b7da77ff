import type { Change, Task } from '../api/client';

/** How well the list follows the service. */
export type Live = 'connecting' | 'live' | 'away';

export interface Snapshot {
  /** The newest first; undefined until they were read. */
  tasks: readonly Task[] | undefined;
  live: Live;
  /** Why the list cannot be read or followed, as a sentence. */
  problem: string | undefined;
}

/**
 * The user's tasks as far as they are known here. The feed has the last word: the answer to a change is shown at once,
 * unless the feed has told of that task since the change was sent, which then is at least as new.
 */
export class TaskStore {
  /** Where the feed goes on from; "0" is for somebody who has nothing. */
  revision = '0';
  #tasks = new Map<number, Task>();
  #isRead = false;
  #told = 0;
  #toldOf = new Map<number, number>();
  #snapshot: Snapshot = { tasks: undefined, live: 'connecting', problem: undefined };
  #listeners = new Set<() => void>();

  /** What the feed told, in its order. A reset empties the store: read everything again, then follow from here. */
  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#told++;
      this.revision = change.revision;
      if (change.type === 'upserted') {
        this.#tasks.set(change.task.id, change.task);
        this.#toldOf.set(change.task.id, this.#told);
      } else if (change.type === 'deleted') {
        this.#tasks.delete(change.id);
        this.#toldOf.set(change.id, this.#told);
      } else {
        this.#tasks.clear();
        this.#isRead = false;
        this.revision = '0';
      }
    }
    this.#show();
  }

  /** Everything is read now. */
  read(): void {
    this.#isRead = true;
    this.#show();
  }

  get isRead(): boolean {
    return this.#isRead;
  }

  /** Sends a change and shows what came of it: a task, or undefined where it is gone. */
  async change(id: number | undefined, send: () => Promise<Task | undefined>): Promise<void> {
    const told = this.#told;
    const task = await send();
    const changed = id ?? task?.id;
    if (changed === undefined || (this.#toldOf.get(changed) ?? 0) > told) return;
    if (task) this.#tasks.set(changed, task);
    else this.#tasks.delete(changed);
    this.#show();
  }

  /** How the following goes. */
  follows(live: Live, problem?: string): void {
    this.#show({ live, problem });
  }

  // What `useSyncExternalStore` asks for.
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly snapshot = (): Snapshot => this.#snapshot;

  #show(about: Partial<Snapshot> = {}): void {
    const tasks = this.#isRead ? [...this.#tasks.values()].sort((a, b) => b.id - a.id) : undefined;
    this.#snapshot = { ...this.#snapshot, ...about, tasks };
    for (const listener of this.#listeners) listener();
  }
}

import { answer, type Api, type Task } from '../api/client';
import type { TaskStore } from './store';

/** What of a task can be edited. */
export interface Draft {
  title: string;
  description: string | null;
}

/** What can be done with tasks; each action throws what the service refuses. */
export class Actions {
  constructor(
    private readonly api: Api,
    private readonly store: TaskStore,
  ) {}

  /** Adds a task; sent again with the same key, it is still one. */
  add(draft: Draft, key: string): Promise<void> {
    const params = { header: { 'Idempotency-Key': key } };
    return this.store.change(undefined, () => task(this.api.POST('/api/tasks', { params, body: draft })));
  }

  /** The task as it is now, and the tag of that version. */
  read(id: number) {
    return answer(this.api.GET('/api/tasks/{id}', at(id)));
  }

  /** Saves what was edited, unless the task has changed since it had this tag. */
  save(id: number, etag: string, body: Partial<Draft>): Promise<void> {
    const params = { path: { id }, header: { 'If-Match': etag } };
    return this.store.change(id, () => task(this.api.PUT('/api/tasks/{id}', { params, body })));
  }

  /** Says what is meant, not "the other way": two devices that both complete a task agree. */
  setCompleted(id: number, completed: boolean): Promise<void> {
    const call = () => this.api.PATCH('/api/tasks/{id}/complete', { ...at(id), body: { completed } });
    return this.store.change(id, () => task(call()));
  }

  remove(id: number): Promise<void> {
    return this.store.change(id, async () => {
      await answer(this.api.DELETE('/api/tasks/{id}', at(id)));
      return undefined;
    });
  }

  restore(id: number): Promise<void> {
    return this.store.change(id, () => task(this.api.POST('/api/tasks/{id}/restore', at(id))));
  }
}

const at = (id: number) => ({ params: { path: { id } } });
const task = async (call: Parameters<typeof answer<Task>>[0]) => (await answer(call)).data;

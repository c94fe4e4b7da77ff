import { useEffect, useMemo, useSyncExternalStore } from 'react';

import { answer, createApi, type Task } from '../api/client';
import { Tokens } from '../api/tokens';
import { freshToken } from '../auth';
import { follow } from './feed';
import { TaskStore } from './store';

/** What of a task can be edited. */
export interface Draft {
  title: string;
  description: string | null;
}

/** The tasks of whoever is signed in, and what can be done with them; each action throws what the service refuses. */
export function useTasks() {
  const { api, tokens, store } = useMemo(() => {
    const tokens = new Tokens(freshToken);
    return { api: createApi(tokens), tokens, store: new TaskStore() };
  }, []);
  useEffect(() => {
    const unfollow = follow(api, tokens, store);
    return () => {
      unfollow();
      tokens.stop();
    };
  }, [api, tokens, store]);

  const actions = useMemo(() => {
    const at = (id: number) => ({ params: { path: { id } } });
    const saved = async (call: Promise<{ data: Task }>) => (await call).data;
    return {
      /** Adds a task; sent again with the same key, it is still one. */
      add: (draft: Draft, key: string) => {
        const params = { header: { 'Idempotency-Key': key } };
        return store.change(undefined, () => saved(answer(api.POST('/api/tasks', { params, body: draft }))));
      },
      /** The task as it is now, and the tag of that version. */
      read: (id: number) => answer(api.GET('/api/tasks/{id}', at(id))),
      /** Saves what was edited, unless the task has changed since it had this tag. */
      save: (id: number, etag: string, body: Partial<Draft>) => {
        const params = { path: { id }, header: { 'If-Match': etag } };
        return store.change(id, () => saved(answer(api.PUT('/api/tasks/{id}', { params, body }))));
      },
      // Says what is meant, not "the other way": two devices that both complete a task agree.
      setCompleted: (id: number, completed: boolean) =>
        store.change(id, () => saved(answer(api.PATCH('/api/tasks/{id}/complete', { ...at(id), body: { completed } })))),
      remove: (id: number) =>
        store.change(id, async () => {
          await answer(api.DELETE('/api/tasks/{id}', at(id)));
          return undefined;
        }),
      restore: (id: number) => store.change(id, () => saved(answer(api.POST('/api/tasks/{id}/restore', at(id))))),
    };
  }, [api, store]);

  return { ...useSyncExternalStore(store.subscribe, store.snapshot), actions };
}

export type Actions = ReturnType<typeof useTasks>['actions'];

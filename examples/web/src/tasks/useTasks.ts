import { useEffect, useMemo, useSyncExternalStore } from 'react';

import { createApi } from '../api/client';
import { Tokens } from '../api/tokens';
import { freshToken } from '../auth';
import { Actions } from './actions';
import { follow } from './feed';
import { TaskStore } from './store';

/** The tasks of whoever is signed in, as they are now, and what can be done with them. */
export function useTasks() {
  const { api, tokens, store, actions } = useMemo(() => {
    const [tokens, store] = [new Tokens(freshToken), new TaskStore()];
    const api = createApi(tokens);
    return { api, tokens, store, actions: new Actions(api, store) };
  }, []);
  useEffect(() => {
    const unfollow = follow(api, tokens, store);
    return () => {
      unfollow();
      tokens.stop();
    };
  }, [api, tokens, store]);
  return { ...useSyncExternalStore(store.subscribe, store.snapshot), actions };
}

import { useRef, useState, type FormEvent } from 'react';

import type { Actions } from './actions';
import { useAttempt } from './useAttempt';

const EMPTY = { title: '', description: '' };

/** The form for a new task. What was typed stays until the service has it. */
export function AddTask({ actions }: { actions: Actions }) {
  const [{ title, description }, setDraft] = useState(EMPTY);
  // Who does not hear an answer presses the button again: that is the same task, until something else is typed.
  const key = useRef(crypto.randomUUID());
  const { isBusy, problem, attempt } = useAttempt();

  function change(typed: Partial<typeof EMPTY>) {
    key.current = crypto.randomUUID();
    setDraft((draft) => ({ ...draft, ...typed }));
  }

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (await attempt(() => actions.add({ title, description: description || null }, key.current))) change(EMPTY);
  }

  return (
    <form className="add" onSubmit={submit} aria-busy={isBusy} aria-label="New task">
      <label>
        New task
        <input value={title} onChange={(event) => change({ title: event.target.value })} readOnly={isBusy} required />
      </label>
      <label>
        Description <small>(optional)</small>
        <textarea value={description} onChange={(event) => change({ description: event.target.value })} readOnly={isBusy} rows={2} />
      </label>
      {problem && <p role="alert">{problem}</p>}
      <button type="submit">{isBusy ? 'Adding…' : 'Add'}</button>
    </form>
  );
}

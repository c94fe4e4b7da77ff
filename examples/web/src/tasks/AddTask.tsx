import { useState, type FormEvent } from 'react';

import { useAttempt } from './useAttempt';
import type { Actions } from './useTasks';

/** The form for a new task. What was typed stays until the service has it. */
export function AddTask({ add }: { add: Actions['add'] }) {
  const [title, setTitle] = useState('');
  const [description, setDescription] = useState('');
  const { isBusy, problem, attempt } = useAttempt();

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!(await attempt(() => add({ title, description: description || null })))) return;
    setTitle('');
    setDescription('');
  }

  return (
    <form className="add" onSubmit={submit} aria-busy={isBusy} aria-label="New task">
      <label>
        New task
        <input value={title} onChange={(event) => setTitle(event.target.value)} required />
      </label>
      <label>
        Description <small>(optional)</small>
        <textarea value={description} onChange={(event) => setDescription(event.target.value)} rows={2} />
      </label>
      {problem && <p role="alert">{problem}</p>}
      <button type="submit">{isBusy ? 'Adding…' : 'Add'}</button>
    </form>
  );
}

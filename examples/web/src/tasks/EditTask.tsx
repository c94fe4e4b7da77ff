import { useState, type FormEvent } from 'react';

import { ApiError, type Task } from '../api/client';
import type { Actions, Draft } from './actions';
import { useAttempt } from './useAttempt';

/** A task as it was read, and the tag of that version. */
export interface Version {
  data: Task;
  etag: string;
}

interface Props {
  version: Version;
  actions: Actions;
  onDone: () => void;
}

/** The form for a task that exists. It saves only what was changed, and only onto the version that was read. */
export function EditTask({ version, actions, onDone }: Props) {
  const [base, setBase] = useState(version);
  const [title, setTitle] = useState(base.data.title);
  const [description, setDescription] = useState(base.data.description ?? '');
  const { isBusy, problem, attempt } = useAttempt();
  const { id } = base.data;

  async function save() {
    const changed: Partial<Draft> = {};
    if (title !== base.data.title) changed.title = title;
    if (description !== (base.data.description ?? '')) changed.description = description || null;
    try {
      await actions.save(id, base.etag, changed);
    } catch (error) {
      if (error instanceof ApiError && error.code === 'PRECONDITION_FAILED') takeOver(await actions.read(id));
      throw error;
    }
  }

  // Somebody else was faster. What was typed stays, what was not touched is theirs, and saving again is done knowingly.
  function takeOver(theirs: Version) {
    if (title === base.data.title) setTitle(theirs.data.title);
    if (description === (base.data.description ?? '')) setDescription(theirs.data.description ?? '');
    setBase(theirs);
  }

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (await attempt(save)) onDone();
  }

  return (
    <form
      onSubmit={submit}
      onKeyDown={(event) => event.key === 'Escape' && onDone()}
      aria-busy={isBusy}
      aria-label={`Edit ${version.data.title}`}
    >
      <label>
        Title
        <input value={title} onChange={(event) => setTitle(event.target.value)} autoFocus required />
      </label>
      <label>
        Description
        <textarea value={description} onChange={(event) => setDescription(event.target.value)} rows={3} />
      </label>
      {problem && <p role="alert">{problem}</p>}
      {base !== version && (
        <p>
          It says now: “{base.data.title}”{base.data.description && `, ${base.data.description}`}
        </p>
      )}
      <span className="actions">
        <button type="submit">{isBusy ? 'Saving…' : 'Save'}</button>
        <button type="button" className="quiet" onClick={onDone}>
          Cancel
        </button>
      </span>
    </form>
  );
}

import { useState } from 'react';

import type { Task } from '../api/client';
import type { Actions } from './actions';
import { EditTask, type Version } from './EditTask';
import { useAttempt } from './useAttempt';

interface Props {
  task: Task;
  actions: Actions;
  onDeleted: () => void;
}

export function TaskItem({ task, actions, onDeleted }: Props) {
  const [edited, setEdited] = useState<Version>();
  const [wasEdited, setWasEdited] = useState(false);
  const { isBusy, problem, attempt } = useAttempt();
  const { id, title, description, completed } = task;

  if (edited) {
    return (
      <li>
        <EditTask version={edited} actions={actions} onDone={() => (setEdited(undefined), setWasEdited(true))} />
      </li>
    );
  }
  return (
    <li aria-busy={isBusy}>
      <label className="task">
        <input
          type="checkbox"
          checked={completed}
          onChange={() => attempt(() => actions.setCompleted(id, !completed))}
        />
        <span className={completed ? 'done' : undefined}>{title}</span>
      </label>
      {description && <p className="description">{description}</p>}
      <span className="actions">
        <button
          type="button"
          className="quiet"
          aria-label={`Edit ${title}`}
          autoFocus={wasEdited} // back from the form
          onClick={() => attempt(async () => setEdited(await actions.read(id)))}
        >
          Edit
        </button>
        <button
          type="button"
          className="quiet"
          aria-label={`Delete ${title}`}
          onClick={() => attempt(() => actions.remove(id).then(onDeleted))}
        >
          Delete
        </button>
      </span>
      {problem && <p role="alert">{problem}</p>}
    </li>
  );
}

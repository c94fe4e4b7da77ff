import { useState } from 'react';

import type { Task } from '../api/client';
import { AddTask } from './AddTask';
import { TaskItem } from './TaskItem';
import { useAttempt } from './useAttempt';
import { useTasks } from './useTasks';

const FILTERS = {
  All: () => true,
  Pending: (task: Task) => !task.completed,
  Completed: (task: Task) => task.completed,
};

const LIVE = { connecting: 'Connecting…', live: 'Live', away: 'Offline, trying again…' };

export function Tasks() {
  const { tasks, live, problem, actions } = useTasks();
  const [filter, setFilter] = useState<keyof typeof FILTERS>('All');
  const [deleted, setDeleted] = useState<Task>();
  const undo = useAttempt();
  const shown = tasks?.filter(FILTERS[filter]);

  return (
    <main>
      <div className="title">
        <h1>Tasks</h1>
        <span role="status" className={`live ${live}`}>
          {LIVE[live]}
        </span>
      </div>
      {problem && <p role="alert">{problem}</p>}
      <AddTask add={actions.add} />
      <fieldset className="filters">
        <legend className="unseen">Which tasks</legend>
        {(Object.keys(FILTERS) as (keyof typeof FILTERS)[]).map((name) => (
          <label key={name}>
            <input type="radio" name="filter" checked={filter === name} onChange={() => setFilter(name)} />
            {name}
          </label>
        ))}
      </fieldset>
      {shown?.length === 0 && <p className="empty">{filter === 'All' ? 'Nothing to do.' : 'None.'}</p>}
      <ul className="tasks" aria-label="Tasks" aria-busy={!tasks}>
        {shown?.map((task) => (
          <TaskItem key={task.id} task={task} actions={actions} onDeleted={() => setDeleted(task)} />
        ))}
      </ul>
      {deleted && (
        <div className="toast">
          <span role="status">Deleted “{deleted.title}”.</span>
          {undo.problem && <span role="alert">{undo.problem}</span>}
          <button
            type="button"
            key={deleted.id}
            autoFocus // what had the focus is gone
            onClick={() => undo.attempt(() => actions.restore(deleted.id).then(() => setDeleted(undefined)))}
          >
            Undo
          </button>
          <button type="button" className="quiet" onClick={() => setDeleted(undefined)}>
            Dismiss
          </button>
        </div>
      )}
    </main>
  );
}

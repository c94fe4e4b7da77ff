import { useState } from 'react';

import type { Task } from '../api/client';
import { AddTask } from './AddTask';
import { TaskItem } from './TaskItem';
import { Undo } from './Undo';
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
      <AddTask actions={actions} />
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
        <Undo key={deleted.id} deleted={deleted} actions={actions} onDone={() => setDeleted(undefined)} />
      )}
    </main>
  );
}

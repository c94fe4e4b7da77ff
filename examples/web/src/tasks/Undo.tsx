import type { Task } from '../api/client';
import type { Actions } from './actions';
import { useAttempt } from './useAttempt';

interface Props {
  deleted: Task;
  actions: Actions;
  onDone: () => void;
}

/** Says what was deleted, and brings it back. */
export function Undo({ deleted, actions, onDone }: Props) {
  const { problem, attempt } = useAttempt();
  return (
    <div className="toast">
      <span role="status">Deleted “{deleted.title}”.</span>
      {problem && <span role="alert">{problem}</span>}
      <button
        type="button"
        autoFocus // what had the focus is gone
        onClick={() => attempt(() => actions.restore(deleted.id).then(onDone))}
      >
        Undo
      </button>
      <button type="button" className="quiet" onClick={onDone}>
        Dismiss
      </button>
    </div>
  );
}

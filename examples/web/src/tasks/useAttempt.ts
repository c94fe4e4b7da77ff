import { useCallback, useRef, useState } from 'react';

/**
 * Runs one action at a time and keeps the sentence of what went wrong until the next.
 *
 * What starts it is not disabled meanwhile: the keyboard's focus would be lost.
 */
export function useAttempt() {
  const [isBusy, setIsBusy] = useState(false);
  const isRunning = useRef(false);
  const [problem, setProblem] = useState<string>();
  const attempt = useCallback(async (action: () => Promise<unknown>): Promise<boolean> => {
    if (isRunning.current) return false;
    isRunning.current = true;
    setIsBusy(true);
    setProblem(undefined);
    try {
      await action();
      return true;
    } catch (error) {
      const isNetwork = error instanceof TypeError;
      setProblem(isNetwork ? 'The server cannot be reached. Nothing is lost here: try again.' : (error as Error).message);
      return false;
    } finally {
      isRunning.current = false;
      setIsBusy(false);
    }
  }, []);
  return { isBusy, problem, attempt };
}

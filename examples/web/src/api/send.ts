import type { Tokens } from './tokens';

/** How long to wait before each further try, in milliseconds. */
const WAITS = [250, 500, 1000, 2000, 4000, 8000];

/**
 * A `fetch` for taskgate: with a token, and with a key for each change, so that a change whose answer was lost can be sent
 * again and is still made once.
 *
 * It tries again when nobody answers and when the answer says that it is worth it; what is still wrong then is the caller's.
 */
export function sender(tokens: Tokens): (request: Request) => Promise<Response> {
  return async (request) => {
    const isChange = request.method !== 'GET';
    if (isChange && !request.headers.has('Idempotency-Key')) request.headers.set('Idempotency-Key', crypto.randomUUID());
    for (const wait of WAITS) {
      const answer = await authorized(request, tokens).catch((error: unknown) => {
        if (error instanceof TypeError) return undefined; // how `fetch` says that the network failed
        throw error;
      });
      if (answer && !isPassing(answer)) return answer;
      await sleep(Math.max(wait * (0.5 + Math.random()), Number(answer?.headers.get('Retry-After') ?? 0) * 1000));
    }
    return authorized(request, tokens);
  };
}

/** Sends a copy of the request with the token at hand, and once more with another when that one does not count. */
async function authorized(request: Request, tokens: Tokens): Promise<Response> {
  const token = await tokens.current();
  const answer = await fetch(withToken(request, token));
  return answer.status === 401 ? fetch(withToken(request, await tokens.insteadOf(token))) : answer;
}

function withToken(request: Request, token: string): Request {
  const copy = request.clone();
  copy.headers.set('Authorization', `Bearer ${token}`);
  return copy;
}

/** Whether it may be better a moment later: too many requests, a server that is away or slow. */
const isPassing = ({ status }: Response) => [429, 502, 503, 504].includes(status);

export const sleep = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

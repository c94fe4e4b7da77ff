/** The tokens for taskgate, one at a time, each from the session at the auth server. */
export class Tokens {
  #token: Promise<string> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #onRenewal: ((token: string) => void) | undefined;
  readonly #fetch: () => Promise<string>;

  constructor(fetch: () => Promise<string>) {
    this.#fetch = fetch;
  }

  /** The token at hand; whoever asks while one is on its way waits for that one. */
  current(): Promise<string> {
    return (this.#token ??= this.#next());
  }

  /** A token other than `refused`, which did not count: that of another caller who was refused a moment ago, or a new one. */
  async insteadOf(refused: string): Promise<string> {
    if ((await this.current()) === refused) this.#token = undefined;
    return this.current();
  }

  /** From now on fetches a token before the last one ends, and calls back with it. */
  onRenewal(callback: (token: string) => void): void {
    this.#onRenewal = callback;
  }

  /** Forgets the token and renews none. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#token = this.#onRenewal = undefined;
  }

  async #next(): Promise<string> {
    clearTimeout(this.#timer);
    try {
      const token = await this.#fetch();
      if (this.#onRenewal) this.#timer = setTimeout(() => this.#renew(), lifetime(token) * 0.75);
      return token;
    } catch (error) {
      this.#token = undefined;
      throw error;
    }
  }

  // Ahead of its end. Timers stand still while a machine sleeps, so a request can still meet a token that has ended.
  async #renew(): Promise<void> {
    const next = this.#next();
    try {
      const token = await next;
      this.#token = next;
      this.#onRenewal?.(token);
    } catch {
      // The next request asks again.
    }
  }
}

/** For how many milliseconds a token is good. The difference of its own two times, because clocks of users are wrong. */
function lifetime(token: string): number {
  const payload = token.split('.')[1] ?? '';
  const { iat, exp } = JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/')));
  return (exp - iat) * 1000;
}

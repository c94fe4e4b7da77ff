import { useState, type FormEvent } from 'react';

import { auth } from './auth';

/** Sign in, or sign up: the same form but for the name. */
export function SignIn() {
  const [isNew, setIsNew] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const [problem, setProblem] = useState<string>();

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const [name, email, password] = ['name', 'email', 'password'].map((field) => String(fields.get(field) ?? ''));
    setIsBusy(true);
    const credentials = { email: email!, password: password! };
    const { error } = await (isNew ? auth.signUp.email({ ...credentials, name: name! }) : auth.signIn.email(credentials));
    setProblem(error ? (error.message ?? 'The auth server cannot be reached.') : undefined);
    setIsBusy(false);
  }

  return (
    <main className="sign-in">
      <h1>{isNew ? 'Sign up' : 'Sign in'}</h1>
      <form onSubmit={submit} aria-busy={isBusy}>
        {isNew && (
          <label>
            Name
            <input name="name" autoComplete="name" required />
          </label>
        )}
        <label>
          E-mail
          <input name="email" type="email" autoComplete="email" required />
        </label>
        <label>
          Password
          <input
            name="password"
            type="password"
            autoComplete={isNew ? 'new-password' : 'current-password'}
            minLength={8}
            required
          />
        </label>
        {problem && <p role="alert">{problem}</p>}
        <button type="submit" disabled={isBusy}>
          {isNew ? 'Sign up' : 'Sign in'}
        </button>
      </form>
      <button type="button" className="link" onClick={() => setIsNew(!isNew)}>
        {isNew ? 'I have an account' : 'I am new here'}
      </button>
    </main>
  );
}

import { auth } from './auth';
import { SignIn } from './SignIn';
import { Tasks } from './tasks/Tasks';

export function App() {
  const { data: session, isPending } = auth.useSession();
  if (isPending) return <main aria-busy="true" />;
  if (!session) return <SignIn />;
  return (
    <>
      <header className="bar">
        <span className="who">{session.user.email}</span>
        <button type="button" className="quiet" onClick={() => void auth.signOut()}>
          Sign out
        </button>
      </header>
      <Tasks key={session.user.id} />
    </>
  );
}

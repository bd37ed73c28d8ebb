import { Link } from 'react-router';
import { useSession } from '../auth';

export function WelcomePage() {
  const { signIn } = useSession();
  return (
    <section className="centered card">
      <h1>
        <span aria-hidden="true">✦</span> Polaris
      </h1>
      <p className="soft">Usage metering and billing: every figure provable down to its events.</p>
      <button onClick={() => void signIn()}>Sign in</button>
      <p>
        New here? <Link to="/sign-up">Create an organization</Link>
      </p>
    </section>
  );
}

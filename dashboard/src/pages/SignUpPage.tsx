import { useMutation } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { graphql } from '../api';
import { useSession } from '../auth';
import { Failure } from '../Loaded';

interface SignedUp {
  signUp: { org: { name: string }; apiKey: { secret: string } };
}

export function SignUpPage() {
  const { signIn } = useSession();
  const signUp = useMutation({
    mutationFn: (input: Record<string, FormDataEntryValue>) =>
      graphql<SignedUp>('mutation($input: SignUpInput!) { signUp(input: $input) { org { name } apiKey { secret } } }', {
        input,
      }),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    signUp.mutate(Object.fromEntries(new FormData(event.currentTarget)));
  };

  if (signUp.data)
    return (
      <section className="centered card">
        <h1>{signUp.data.signUp.org.name} is ready</h1>
        <p>Your first API key. It is shown once; keep it safe:</p>
        <code className="secret">{signUp.data.signUp.apiKey.secret}</code>
        <button onClick={() => void signIn()}>Sign in</button>
      </section>
    );
  return (
    <form className="centered card" onSubmit={submit}>
      <h1>Create an organization</h1>
      <label>
        Organization <input name="orgName" required maxLength={100} />
      </label>
      <label>
        E-mail <input name="email" type="email" required autoComplete="username" />
      </label>
      <label>
        Password <input name="password" type="password" required minLength={10} autoComplete="new-password" />
      </label>
      <label>
        Currency <input name="currency" defaultValue="USD" required pattern="[A-Z]{3}" />
      </label>
      {signUp.isError && <Failure error={signUp.error} />}
      <button disabled={signUp.isPending}>Sign up</button>
    </form>
  );
}

import { Link } from 'react-router';
import { customerPath } from './queries';

/** A customer by name, with its key. */
export function CustomerLink({ customer, name }: { customer: string; name: string | undefined }) {
  return (
    <>
      <Link to={customerPath(customer)}>{name ?? customer}</Link>
      {name !== undefined && name !== customer ? <code className="soft under">{customer}</code> : null}
    </>
  );
}

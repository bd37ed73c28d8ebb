import { readProperties } from './readProperties';

export function Properties({ json }: { json: string }) {
  const properties = readProperties(json);
  if (properties === null) return <code className="breakable">{json}</code>;
  if (properties.length === 0) return <span className="soft">none</span>;
  return (
    <ul className="properties">
      {properties.map(({ name, value }) => (
        <li key={name}>
          <span>{name}</span> <code>{value}</code>
        </li>
      ))}
    </ul>
  );
}

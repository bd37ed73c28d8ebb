import { useChange } from '../api/hooks';
import { FormDialog, stated, type FieldSpec } from '../forms/FormDialog';
import { CREATE_CUSTOMERS, UPDATE_CUSTOMER, type Customer } from './queries';

export const ADDRESS_FIELDS = [
  { name: 'line1', label: 'Address', path: 'address.line1' },
  { name: 'line2', label: 'Address, second line', path: 'address.line2' },
  { name: 'postalCode', label: 'Postal code', path: 'address.postalCode' },
  { name: 'city', label: 'City', path: 'address.city' },
  { name: 'region', label: 'Region', path: 'address.region' },
  { name: 'country', label: 'Country', path: 'address.country', hint: 'Two letters, such as DE.' },
] as const satisfies readonly FieldSpec<string>[];

type Address = Record<(typeof ADDRESS_FIELDS)[number]['name'], string | null>;

/** Null when nothing of it is stated. */
export function addressOf(values: Record<(typeof ADDRESS_FIELDS)[number]['name'], string>): Address | null {
  const address: Address = {
    line1: stated(values.line1),
    line2: stated(values.line2),
    postalCode: stated(values.postalCode),
    city: stated(values.city),
    region: stated(values.region),
    country: stated(values.country),
  };
  return Object.values(address).every((value) => value === null) ? null : address;
}

export function addressValues(address: Partial<Address> | null) {
  const text = (value: string | null | undefined) => value ?? '';
  return {
    line1: text(address?.line1),
    line2: text(address?.line2),
    postalCode: text(address?.postalCode),
    city: text(address?.city),
    region: text(address?.region),
    country: text(address?.country),
  };
}

type Name = 'key' | 'name' | 'email' | 'taxId' | (typeof ADDRESS_FIELDS)[number]['name'];

export function CustomerDialog({
  customer,
  onSaved,
  onClose,
}: {
  /** Null to create one. */
  customer: Customer | null;
  onSaved?: (key: string) => void;
  onClose: () => void;
}) {
  const create = useChange(CREATE_CUSTOMERS, ({ createCustomers }) => {
    onClose();
    const [created] = createCustomers;
    if (created) onSaved?.(created.key);
  });
  const update = useChange(UPDATE_CUSTOMER, onClose);
  const key: FieldSpec<Name> = {
    name: 'key',
    label: 'Key',
    required: true,
    maxLength: 255,
    hint: 'As your events name the customer. It never changes.',
  };
  const fields: readonly FieldSpec<Name>[] = [
    ...(customer ? [] : [key]),
    { name: 'name', label: 'Name', maxLength: 200 },
    { name: 'email', label: 'E-mail', kind: 'email', maxLength: 254, hint: 'Invoices go there.' },
    { name: 'taxId', label: 'Tax id', maxLength: 50 },
    ...ADDRESS_FIELDS,
  ];
  return (
    <FormDialog<Name>
      title={customer ? `Edit ${customer.name}` : 'Create a customer'}
      fields={fields}
      initial={{
        key: customer?.key ?? '',
        name: customer?.name ?? '',
        email: customer?.email ?? '',
        taxId: customer?.taxId ?? '',
        ...addressValues(customer?.address ?? null),
      }}
      submit={customer ? 'Save' : 'Create customer'}
      mutation={customer ? update : create}
      onSubmit={(values) => {
        const input = {
          key: values.key.trim(),
          name: stated(values.name),
          email: stated(values.email),
          taxId: stated(values.taxId),
          address: addressOf(values),
        };
        if (customer) update.mutate({ input });
        else create.mutate({ input: [input] });
      }}
      onClose={onClose}
    />
  );
}

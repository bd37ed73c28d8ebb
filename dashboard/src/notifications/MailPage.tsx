import { useState } from 'react';
import { useChange, useRead } from '../api/hooks';
import { ConfirmDialog, FormDialog, stated, type FieldSpec } from '../forms/FormDialog';
import { useMay } from '../session/Viewer';
import { Card, PageHead, Rows, type Column } from '../ui/elements';
import { Menu } from '../ui/Menu';
import { Empty, ErrorNote, Loaded } from '../ui/states';
import { useTitle } from '../ui/title';
import {
  ARCHIVE_ADDRESS,
  CREATE_ADDRESS,
  MAIL,
  UPDATE_ADDRESS,
  UPDATE_MAIL_SETTINGS,
  type NotificationAddress,
} from './queries';

type Asked = { act: 'create' } | { act: 'edit' | 'archive'; address: NotificationAddress };

const STATES = {
  ACTIVE: { text: 'Active', look: 'badge badge-active' },
  BOUNCED: { text: 'Refused by its server', look: 'badge badge-failed' },
  UNSUBSCRIBED: { text: 'Unsubscribed', look: 'badge' },
  ARCHIVED: { text: 'Deleted', look: 'badge' },
} as const;

/** Who gets mail: the org's own addresses, and customers. */
export function MailPage() {
  const isAdmin = useMay('admin');
  const [asked, setAsked] = useState<Asked | null>(null);
  const close = () => setAsked(null);
  const result = useRead(MAIL, {});
  const archive = useChange(ARCHIVE_ADDRESS, close);
  const settings = useChange(UPDATE_MAIL_SETTINGS);
  useTitle('E-mail');
  const columns: Column<NotificationAddress>[] = [
    {
      head: 'Address',
      cell: (one) => (
        <>
          <span className="breakable">{one.email}</span>
          {one.description ? <div className="soft">{one.description}</div> : null}
        </>
      ),
    },
    {
      head: 'Events',
      cell: (one) =>
        one.eventTypes.map((type) => (
          <div key={type}>
            <code>{type}</code>
          </div>
        )),
    },
    {
      head: 'State',
      cell: (one) => (
        <>
          <span className={STATES[one.status].look}>{STATES[one.status].text}</span>
          {one.reason ? <div className="soft breakable">{one.reason}</div> : null}
        </>
      ),
    },
  ];
  if (isAdmin)
    columns.push({
      head: 'Actions',
      actions: true,
      cell: (address) =>
        address.status === 'ARCHIVED' ? null : (
          <Menu
            label={`Actions for ${address.email}`}
            actions={[
              {
                label: address.status === 'ACTIVE' ? 'Edit …' : 'Edit, and send mail there again …',
                onSelect: () => setAsked({ act: 'edit', address }),
              },
              { label: 'Delete …', onSelect: () => setAsked({ act: 'archive', address }), danger: true },
            ]}
          />
        ),
    });
  const types = result.data?.eventTypes.map(({ name }) => name) ?? [];
  return (
    <>
      <PageHead title="E-mail" intro="What happens in the org, mailed to your own addresses and to customers.">
        {isAdmin ? (
          <button type="button" className="button button-primary" onClick={() => setAsked({ act: 'create' })}>
            Add address
          </button>
        ) : null}
      </PageHead>
      <Loaded result={result} what="addresses">
        {({ notificationAddresses, notificationSettings }) => (
          <>
            <Card title="The org’s own addresses">
              {notificationAddresses.length === 0 ? (
                <Empty title="No addresses yet">
                  {isAdmin ? 'Add one to get invoices or thresholds by mail.' : 'An owner or admin can add one.'}
                </Empty>
              ) : (
                <Rows
                  label="E-mail addresses"
                  rows={notificationAddresses}
                  keyOf={({ id }) => id}
                  faded={({ status }) => status === 'ARCHIVED'}
                  columns={columns}
                />
              )}
            </Card>
            <Card title="Customers">
              {settings.error ? <ErrorNote error={settings.error} /> : null}
              <label className="check">
                <input
                  type="checkbox"
                  checked={notificationSettings.invoicesToCustomers}
                  disabled={!isAdmin || settings.isPending}
                  onChange={(event) => settings.mutate({ invoicesToCustomers: event.target.checked })}
                />
                Send final invoices to customers <span className="soft">with the PDF, to the customer’s address</span>
              </label>
            </Card>
          </>
        )}
      </Loaded>
      {asked?.act === 'create' ? <AddressDialog address={null} types={types} onClose={close} /> : null}
      {asked?.act === 'edit' ? <AddressDialog address={asked.address} types={types} onClose={close} /> : null}
      {asked?.act === 'archive' ? (
        <ConfirmDialog
          title={`Delete ${asked.address.email}?`}
          submit="Delete address"
          busy="Deleting …"
          danger
          mutation={archive}
          onConfirm={() => archive.mutate({ id: asked.address.id })}
          onClose={close}
        >
          <p>No more mail goes there.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

type FieldName = 'email' | 'description' | 'eventTypes';

function AddressDialog({
  address,
  types,
  onClose,
}: {
  address: NotificationAddress | null;
  types: readonly string[];
  onClose: () => void;
}) {
  const create = useChange(CREATE_ADDRESS, onClose);
  const update = useChange(UPDATE_ADDRESS, onClose);
  const fields: FieldSpec<FieldName>[] = [
    { name: 'description', label: 'Description', hint: 'Whose it is or what for.' },
    { name: 'eventTypes', label: 'Events', kind: 'checks', options: types },
  ];
  if (address === null)
    fields.unshift({ name: 'email', label: 'E-mail', kind: 'email', required: true, maxLength: 254 });
  return (
    <FormDialog
      title={address === null ? 'Add an address' : `Edit ${address.email}`}
      fields={fields}
      initial={{
        email: '',
        description: address?.description ?? '',
        eventTypes: address?.eventTypes.join(' ') ?? '',
      }}
      submit={address === null ? 'Add address' : 'Save'}
      mutation={address === null ? create : update}
      onSubmit={(values) => {
        const eventTypes = values.eventTypes.split(' ').filter(Boolean);
        if (address === null)
          create.mutate({ input: { email: values.email.trim(), description: stated(values.description), eventTypes } });
        else update.mutate({ input: { id: address.id, description: values.description.trim(), eventTypes } });
      }}
      onClose={onClose}
    />
  );
}

import { useState } from 'react';
import { Link } from 'react-router';
import type { CustomerMoneyQuery } from '../api/generated';
import { useChange, useRead } from '../api/hooks';
import { ConfirmDialog, FormDialog, stated, statedCount, statedInstant } from '../forms/FormDialog';
import { formatMoney, isZero } from '../format/decimal';
import { formatDateTime } from '../format/time';
import { useMay, useTimeZone, useViewer } from '../session/Viewer';
import { Card, Fact, Facts, Rows } from '../ui/elements';
import { Menu } from '../ui/Menu';
import { Pager, usePaging } from '../ui/paging';
import { Empty, Loaded } from '../ui/states';
import { CREATE_CREDIT_GRANT, LEDGER, MONEY, SET_HARD_STOP, VOID_CREDIT_GRANT } from './queries';

type Grant = CustomerMoneyQuery['creditGrants'][number];

/** Prepaid credits, what is owed, and the ledger behind both. */
export function MoneyCard({ customer }: { customer: string }) {
  const timeZone = useTimeZone();
  const mayChange = useMay('billing');
  const { org } = useViewer();
  const [asking, setAsking] = useState<'grant' | 'hard-stop' | 'no-hard-stop' | Grant | null>(null);
  const [ledger, setLedger] = useState(false);
  const close = () => setAsking(null);
  const result = useRead(MONEY, { customer });
  const grant = useChange(CREATE_CREDIT_GRANT, close);
  const voiding = useChange(VOID_CREDIT_GRANT, close);
  const hardStop = useChange(SET_HARD_STOP, close);
  return (
    <Card
      title="Credits and balance"
      actions={
        <>
          <button
            type="button"
            className="button button-small"
            aria-expanded={ledger}
            onClick={() => setLedger(!ledger)}
          >
            {ledger ? 'Hide the ledger' : 'Ledger'}
          </button>
          {mayChange ? (
            <>
              <button type="button" className="button button-small" onClick={() => setAsking('grant')}>
                Grant credits
              </button>
              <Menu
                label="Actions for credits"
                actions={[
                  { label: 'Stop without credits …', onSelect: () => setAsking('hard-stop'), danger: true },
                  { label: 'Go on without credits …', onSelect: () => setAsking('no-hard-stop') },
                ]}
              />
            </>
          ) : null}
        </>
      }
    >
      <Loaded result={result} what="credits and balance">
        {({ customerBalance, creditGrants, entitlement }) => (
          <>
            <Facts>
              {customerBalance.map((one) => (
                <Fact key={one.currency} name={one.currency}>
                  {formatMoney(one.owed, one.currency)} owed
                  <div>{formatMoney(one.balance, one.currency)} balance</div>
                  <div>{formatMoney(one.creditsLeft, one.currency)} prepaid credits left</div>
                </Fact>
              ))}
              <Fact name="May use more">
                {entitlement.allowed ? 'yes' : 'no: the credits are used up'}
                {entitlement.currency && !isZero(entitlement.creditsLeft) ? (
                  <div className="soft">
                    {formatMoney(entitlement.remaining, entitlement.currency)} remain after{' '}
                    {formatMoney(entitlement.accrued, entitlement.currency)} that is not invoiced yet
                  </div>
                ) : null}
              </Fact>
            </Facts>
            {creditGrants.length === 0 ? null : (
              <Rows
                label="Prepaid credits"
                rows={creditGrants}
                keyOf={({ id }) => id}
                faded={({ voidedAt }) => voidedAt !== null}
                columns={[
                  {
                    head: 'Grant',
                    cell: (one) => (
                      <>
                        {one.name} <code className="soft">{one.key}</code>
                      </>
                    ),
                  },
                  { head: 'Priority', right: true, cell: (one) => one.priority },
                  {
                    head: 'Expires',
                    cell: (one) =>
                      one.voidedAt
                        ? `void since ${formatDateTime(one.voidedAt, timeZone)}`
                        : one.expiresAt
                          ? formatDateTime(one.expiresAt, timeZone)
                          : 'never',
                  },
                  { head: 'Granted', right: true, cell: (one) => formatMoney(one.amount, one.currency) },
                  { head: 'Left', right: true, cell: (one) => formatMoney(one.remaining, one.currency) },
                  ...(mayChange
                    ? [
                        {
                          head: 'Actions',
                          actions: true,
                          cell: (one: Grant) =>
                            one.voidedAt ? null : (
                              <Menu
                                label={`Actions for ${one.name}`}
                                actions={[{ label: 'Void …', onSelect: () => setAsking(one), danger: true }]}
                              />
                            ),
                        },
                      ]
                    : []),
                ]}
              />
            )}
          </>
        )}
      </Loaded>
      {ledger ? <Ledger customer={customer} /> : null}
      {asking === 'grant' ? (
        <FormDialog
          title="Grant prepaid credits"
          intro={
            <p>
              They pay invoices of their currency when these become final: lower priority first, then the earliest
              expiry.
            </p>
          }
          fields={[
            { name: 'name', label: 'Name', maxLength: 200 },
            { name: 'key', label: 'Key', required: true, maxLength: 100, hint: 'Sent twice, it is granted once.' },
            { name: 'amount', label: 'Amount', kind: 'decimal', required: true },
            { name: 'currency', label: 'Currency', required: true, maxLength: 3 },
            {
              name: 'expiresAt',
              label: 'Expires',
              kind: 'datetime',
              hint: `On the clock of ${timeZone}. Never, if you leave it out.`,
            },
            { name: 'priority', label: 'Priority', kind: 'integer' },
          ]}
          initial={{ name: '', key: '', amount: '', currency: org.currency, expiresAt: '', priority: '' }}
          submit="Grant"
          mutation={grant}
          onSubmit={(values) =>
            grant.mutate({
              input: {
                customer,
                key: values.key.trim(),
                name: stated(values.name),
                amount: values.amount.trim(),
                currency: values.currency.trim(),
                expiresAt: statedInstant(values.expiresAt, timeZone),
                priority: statedCount(values.priority),
              },
            })
          }
          onClose={close}
        />
      ) : null}
      {asking === 'hard-stop' || asking === 'no-hard-stop' ? (
        <ConfirmDialog
          title={
            asking === 'hard-stop' ? 'Stop when the credits are used up?' : 'Let the customer go on without credits?'
          }
          submit={asking === 'hard-stop' ? 'Stop without credits' : 'Go on without credits'}
          mutation={hardStop}
          onConfirm={() => hardStop.mutate({ customer, hardStop: asking === 'hard-stop' })}
          onClose={close}
        >
          <p>
            Your product asks <code>entitlement</code> whether the customer may go on. Usage is counted and billed
            either way.
          </p>
        </ConfirmDialog>
      ) : null}
      {asking !== null && typeof asking === 'object' ? (
        <ConfirmDialog
          title={`Void ${asking.name}?`}
          submit="Void the grant"
          danger
          mutation={voiding}
          onConfirm={() => voiding.mutate({ id: asking.id })}
          onClose={close}
        >
          <p>
            {formatMoney(asking.remaining, asking.currency)} that are left of it are lost. What it has paid stays paid.
          </p>
        </ConfirmDialog>
      ) : null}
    </Card>
  );
}

const LEDGER_PAGE_SIZE = 20;

function Ledger({ customer }: { customer: string }) {
  const timeZone = useTimeZone();
  const paging = usePaging(customer);
  const result = useRead(LEDGER, { customer, first: LEDGER_PAGE_SIZE, after: paging.after }, { keepPrevious: true });
  return (
    <Loaded result={result} what="the ledger">
      {({ ledger }) =>
        ledger.totalCount === 0 ? (
          <Empty title="No entries">Finalized invoices, payments, credit notes and credits are entered here.</Empty>
        ) : (
          <>
            <Rows
              label="Ledger"
              rows={ledger.nodes}
              keyOf={({ id }) => id}
              columns={[
                { head: 'No.', cell: (entry) => entry.id },
                { head: 'At', cell: (entry) => formatDateTime(entry.createdAt, timeZone) },
                { head: 'Kind', cell: (entry) => entry.kind.replaceAll('_', ' ') },
                { head: 'Account', cell: (entry) => entry.account },
                {
                  head: 'Invoice',
                  cell: (entry) =>
                    entry.invoiceId ? <Link to={`/invoices/${encodeURIComponent(entry.invoiceId)}`}>open</Link> : '–',
                },
                { head: 'Amount', right: true, cell: (entry) => formatMoney(entry.amount, entry.currency) },
              ]}
            />
            <Pager
              paging={paging}
              size={LEDGER_PAGE_SIZE}
              data={ledger}
              busy={result.isPlaceholderData}
              what="entries"
            />
          </>
        )
      }
    </Loaded>
  );
}
